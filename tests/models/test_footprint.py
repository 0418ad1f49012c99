"""Footprints, against the sizes that the published Qwen3-4B and a real tiny model have."""

from pathlib import Path

import pytest

from synthfr.models.footprint import Footprint
from tests import tiny

QWEN3_4B = {
    "hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
}  # fmt: skip


def test_of_qwen3_4b() -> None:
    """36 layers x 8 heads x 128 x 2 (keys, values) x 2 bytes = 147 456 bytes a token."""
    made = Footprint.from_config(QWEN3_4B, parameters=4_022_468_096)
    assert made.kv_cache(1, "bfloat16") == 147_456
    assert made.weights("bfloat16") == pytest.approx(8.04e9, rel=1e-3)
    assert made.weights("nf4") < made.weights("bfloat16") / 3


def test_of_a_folder(tmp_path: Path) -> None:
    folder = tiny.base(tmp_path / "base")
    made = Footprint.of(folder, "base")
    model = tiny.model()
    assert made.parameters == sum(one.numel() for one in model.parameters())
    assert (made.layers, made.head_dim, made.kv_heads) == (2, 8, 2)


def test_other_names_of_the_same_things() -> None:
    gpt2 = {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257}
    made = Footprint.from_config(gpt2, parameters=124_000_000)
    assert (made.kv_heads, made.head_dim, made.layers) == (12, 64, 12)
