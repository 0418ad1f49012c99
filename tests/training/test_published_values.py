"""The publication's training, value by value, on the tiny base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training import small

COMMON: dict[str, Any] = {
    "lora": {"r": 32, "alpha": 64, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
    "validation_share": 0.1,
    "checkpoint_every_steps": 2,
    "precision": "bfloat16",
    "gradient_checkpointing": True,
    "quantisation": "none",
    "batching": "padded",
}
SFT = COMMON | {
    "batch_size": 8, "device_batch_size": 2, "loss": "all", "batching": "chunked",
    "max_length": 512, "schedule": "cosine", "warmup_ratio": 0.1, "weight_decay": 0.01,
}  # fmt: skip
DPO = COMMON | {
    "batch_size": 32, "device_batch_size": 8, "beta": 0.1, "loss_type": ["sigmoid"],
    "loss_weights": [1.0], "schedule": "linear", "warmup_ratio": 0.0, "weight_decay": 1e-7,
    "max_length": 3000, "max_truncated_share": 1.0, "max_chosen_logp_drop": None,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "published"), [("sft", SFT), ("dpo", DPO)])
def test_it_trains(kind: str, published: dict[str, Any], base: Path, tmp_path: Path) -> None:
    result = small.train(kind, base, tmp_path, **published)
    assert result.metrics["rows"] == {"train": 18, "validation": 2, "truncated": 0} | (
        {"pieces": 18, "validation_pieces": 2} if kind == "sft" else {}
    )
    # two epochs of ceil(18 / 8) steps, or of one
    assert result.metrics["steps"] == {"sft": 6, "dpo": 2}[kind]
    losses = [row["eval_loss"] for row in result.history if row["eval_loss"] is not None]
    assert result.metrics["eval_loss"] == min(losses)
    trained = {name.rpartition(".lora_")[0] for name, _ in _trainable(result.model)}
    assert len(trained) == 2 * 4  # four projections in each of two layers, and no others
    assert {name.rpartition(".")[2] for name in trained} == set(COMMON["lora"]["target_modules"])


def _trainable(model: Any) -> list[tuple[str, Any]]:
    return [(name, one) for name, one in model.named_parameters() if one.requires_grad]
