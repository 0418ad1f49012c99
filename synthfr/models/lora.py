"""A LoRA adapter as files: what its two matrices a module are, and whether that is all it is.

Only ``adapter_config.json`` and ``adapter_model.safetensors`` are read. A plain adapter adds
s B A to the weight of each of its modules; what peft calls LoRA can be more than that (DoRA,
trained biases, a base that was changed too), and then it is no such sum.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.disk import read_json

if TYPE_CHECKING:
    import torch

    Factors = dict[str, tuple[torch.Tensor, torch.Tensor]]

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX, A, B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
# settings of peft under which an adapter is no plain sum of products
_UNUSUAL = (
    "alora_invocation_tokens", "alpha_pattern", "arrow_config", "bias", "fan_in_fan_out",
    "kasa_config", "layer_replication", "lora_bias", "modules_to_save", "monteclora_config",
    "rank_pattern", "target_parameters", "trainable_token_indices", "use_bdlora", "use_dora",
    "use_qalora",
)  # fmt: skip
# how A and B began, where the base's weights stayed as they were (PiSSA, OLoRA, ... change them)
_BEGINNINGS = (None, True, False, "gaussian", "eva", "orthogonal")


def unusual(adapter: Path) -> str | None:
    """What makes an adapter more than a plain sum of products; None where it is one."""
    from safetensors import safe_open

    config = read_json(adapter / ADAPTER_CONFIG)
    if (kind := config.get("peft_type", "LORA")) != "LORA":
        return f"peft_type {kind}"
    if not isinstance(config.get("r"), int) or not config.get("lora_alpha"):
        return "a configuration without r and lora_alpha"
    for name in _UNUSUAL:
        if config.get(name) not in (None, False, "none", {}, []):
            return name
    if (beginning := config.get("init_lora_weights")) not in _BEGINNINGS:
        return f"init_lora_weights {beginning}"
    with safe_open(adapter / ADAPTER_WEIGHTS, "pt") as stored:
        names = set(stored.keys())
    modules = {name.removesuffix(A) for name in names if name.endswith(A)}
    if not modules or names != {module + end for module in modules for end in (A, B)}:
        return "weights besides A and B"
    return None


def scale(config: dict[str, Any]) -> float:
    """What the product B A of an adapter's configuration is multiplied by."""
    rank: int = config["r"]
    alpha: float = config["lora_alpha"]
    return alpha / (rank**0.5 if config.get("use_rslora") else rank)


def factors(adapter: Path) -> tuple[int, Factors]:
    """A plain adapter's rank r and, for each module, its A (r, inputs) and its scaled B (outputs,
    r), in float32.
    """
    from safetensors.torch import load_file

    config, stored = read_json(adapter / ADAPTER_CONFIG), load_file(adapter / ADAPTER_WEIGHTS)
    modules = [name.removesuffix(A) for name in stored if name.endswith(A)]
    return config["r"], {
        module: (stored[module + A].float(), scale(config) * stored[module + B].float())
        for module in modules
    }
