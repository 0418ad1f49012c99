"""Models with random weights in the architecture of real ones: speed and memory need no meaning.

Their sizes are those that `synth-fr plan` knows (`synthfr.models.architecture`). The tokenizer is
that of the shipped tiny base: a larger vocabulary has its ids too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from synthfr.models.architecture import shipped_config

if TYPE_CHECKING:
    from synthfr.models import Policy

Architecture = Mapping[str, Any]
_NO_SIZES = ("model_type", "architectures", "dtype")


def published(repo_id: str, **changed: Any) -> Architecture:
    """The sizes of a model that the profiles name, some of them `changed`."""
    config = shipped_config(repo_id)
    if config is None:
        raise KeyError(repo_id)
    return {key: value for key, value in config.items() if key not in _NO_SIZES} | changed


_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
_CONTEXT = 8192  # all that a benchmark asks for
QWEN3_4B = published("Qwen/Qwen3-4B-Instruct-2507", max_position_embeddings=_CONTEXT)
QWEN3_06B = published("Qwen/Qwen3-0.6B", max_position_embeddings=_CONTEXT)
QWEN3_TINY = {
    **QWEN3_4B,
    **_SMALL,
    "vocab_size": 4096,
    "num_key_value_heads": 1,
    "head_dim": 32,  # vLLM on a CPU wants no less
}
XLMR_BASE = published("FremyCompany/BioLORD-2023-M", layer_norm_eps=1e-5)
XLMR_TINY = {**XLMR_BASE, **_SMALL, "vocab_size": 8000, "num_hidden_layers": 1}
MODERNBERT_LARGE = published("answerdotai/ModernBERT-large")
MODERNBERT_TINY = {**MODERNBERT_LARGE, **_SMALL, "vocab_size": 4096}


def policy(architecture: Architecture | None) -> Policy:
    """A Qwen3 of random weights, on the GPU in bfloat16 where there is one, else in float32; None:
    of the shipped tiny base's architecture.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, Qwen3Config

    from synthfr.models import Policy
    from synthfr.models.base import TINY_BASE

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(TINY_BASE, local_files_only=True)
    if architecture is None:
        config = AutoConfig.from_pretrained(TINY_BASE)
    else:
        ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
        config = Qwen3Config(**architecture, bos_token_id=None, **ends)
    dtype = torch.bfloat16 if machine.device() == "cuda" else torch.float32
    with torch.device(machine.device()):
        made = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return Policy(made, tokenizer, ())


def base(architecture: Architecture, folder: Path) -> Path:
    """The same as a base on disk, at `folder`, as the stage ``base`` provides it."""
    from synthfr.models.base import Base, provide

    source = folder.with_name(f"{folder.name}-source")
    made = policy(architecture)
    made.model.save_pretrained(source)
    made.tokenizer.save_pretrained(source)
    named = {"source": "local", "path": str(source), "repo_id": None, "revision": None}
    provide(Base.model_validate({**named, "allow_download": False}), folder)
    return folder


def encoder(architecture: Architecture, folder: Path) -> Path:
    """A ModernBERT of random weights, at `folder`, with which the encoder coder begins."""
    import torch
    from transformers import AutoTokenizer, ModernBertConfig, ModernBertModel

    from synthfr.models.base import TINY_BASE

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(TINY_BASE, local_files_only=True)
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    config = ModernBertConfig(
        **architecture, classifier_pooling="mean", pad_token_id=pad,
        bos_token_id=end, eos_token_id=end, cls_token_id=end, sep_token_id=end,
    )  # fmt: skip
    ModernBertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
