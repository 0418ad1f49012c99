"""Sizes told by config files, against transformers' own models and the published numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthfr import hub
from synthfr.models import architecture
from synthfr.models.architecture import Architecture
from synthfr.models.base import TINY_BASE
from tests import tiny

FILES = sorted((Path(architecture.__file__).parent / "architectures").glob("*.json"))
PUBLISHED = {  # weights as the models' cards have them
    "Qwen/Qwen3-4B-Instruct-2507": 4.02e9,
    "Qwen/Qwen3-0.6B": 0.596e9,
    "Qwen/Qwen3-30B-A3B-Instruct-2507": 30.5e9,
    "meta-llama/Llama-3.1-8B-Instruct": 8.03e9,
    "FremyCompany/BioLORD-2023-M": 0.278e9,
    "answerdotai/ModernBERT-large": 0.395e9,
}


def of(name: str) -> Architecture:
    made = architecture.shipped(name)
    assert made is not None
    return made


def counted(config: dict[str, Any]) -> int:
    """Weights of the model that transformers makes of a config, without storing any."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    values = {key: value for key, value in config.items() if key != "model_type"}
    made = AutoConfig.for_model(config["model_type"], **values)
    kind = AutoModel if config["model_type"] in architecture.ENCODERS else AutoModelForCausalLM
    with torch.device("meta"):
        model = kind.from_config(made)
    return sum(one.numel() for one in model.parameters())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_weights_of_the_named_models_are_those_that_transformers_makes(file: Path) -> None:
    facts = json.loads(file.read_text())
    assert file.stem == facts["repo_id"].replace("/", "--")
    made = of(facts["repo_id"])
    assert made.parameters == counted(facts["config"])
    assert made.parameters == pytest.approx(PUBLISHED[facts["repo_id"]], rel=0.01)
    # control: one layer less is another number
    one_less = facts["config"] | {"num_hidden_layers": made.layers - 1}
    assert counted(one_less) != made.parameters


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "qwen2", "tie_word_embeddings": False},
        {"model_type": "llama", "attention_bias": True, "tie_word_embeddings": False},
        {"model_type": "mistral", "head_dim": 16, "tie_word_embeddings": False},
        {"model_type": "bert", "type_vocab_size": 2},
        {"model_type": "camembert", "type_vocab_size": 1},
    ],
    ids=lambda config: str(config["model_type"]),
)
def test_other_families(config: dict[str, Any]) -> None:
    widths = {
        "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "vocab_size": 200,
        "num_attention_heads": 4, "max_position_embeddings": 64,
    }  # fmt: skip
    if config["model_type"] not in architecture.ENCODERS:
        widths["num_key_value_heads"] = 2
    made = Architecture.from_config(widths | config)
    assert made is not None and made.parameters == counted(widths | config)


def test_weights_of_the_models_here_are_those_in_their_files(tmp_path: Path) -> None:
    for folder in (TINY_BASE, tiny.save_model(tmp_path / "tiny", layers=3)):
        made = architecture.found(str(folder))
        assert made is not None
        assert made.parameters == hub.count_parameters(folder / "model.safetensors", "here")


def test_a_mixture_passes_a_token_through_few_experts() -> None:
    mixture = of("Qwen/Qwen3-30B-A3B-Instruct-2507")
    assert mixture.active == pytest.approx(3.3e9, rel=0.02)
    dense = of("Qwen/Qwen3-0.6B")
    assert dense.active == dense.parameters


def test_what_an_adapter_and_a_token_take() -> None:
    """By hand. 4B, r 32, four modules: 36 x 32 x (2560+4096 + 2 x (2560+1024) + 4096+2560); keys
    and values: 2 x 36 x 8 x 128 numbers of 2 bytes.
    """
    made = of("Qwen/Qwen3-4B-Instruct-2507")
    modules = ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert made.lora_parameters(32, modules) == 36 * 32 * (6656 + 2 * 3584 + 6656) == 23_592_960
    assert made.lora_parameters(32, "all-linear") > 2 * made.lora_parameters(32, modules)
    assert made.kv_cache(1, 2) == 147_456


def test_an_adapter_has_the_weights_that_peft_gives_it() -> None:
    from peft import LoraConfig, get_peft_model

    model = tiny.model()
    made = Architecture.from_config(model.config.to_dict())
    assert made is not None
    for targets in ("all-linear", ["q_proj", "down_proj"]):
        lora = get_peft_model(tiny.model(), LoraConfig(r=4, target_modules=targets))
        trained = sum(one.numel() for one in lora.parameters() if one.requires_grad)
        assert made.lora_parameters(4, targets) == trained


def test_an_unknown_model_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wxyz"}))
    assert architecture.found(str(tmp_path)) is None
    assert architecture.found("nobody/nothing") is None
    assert architecture.found("no name") is None


def test_a_model_in_the_cache_comes_before_the_shipped_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Qwen/Qwen3-0.6B"
    config = {"model_type": "qwen3", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 9}
    config |= {"num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 4}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shipped = architecture.found(name)
    assert shipped is not None and shipped.hidden == 1024
    monkeypatch.setattr(hub, "cached_file", lambda *_: tmp_path / "config.json")
    cached = architecture.found(name)
    assert cached is not None and cached.hidden == 8
