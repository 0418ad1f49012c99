"""How large a causal language model is on disk, in memory and in arithmetic, from its config and
the headers of its weights: estimates that are made before anything is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr import hub
from synthfr.disk import read_json

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "nf4": 0.56}  # of a weight
ADAPTER_STATE_BYTES = 16  # of a trained weight: float32 value, gradient and two Adam moments


@dataclass(frozen=True)
class Footprint:
    """Sizes of a model. `active`: weights that one token passes through (fewer in a mixture of
    experts).
    """

    parameters: int
    active: int
    layers: int
    hidden: int
    kv_heads: int
    head_dim: int
    vocabulary: int

    @classmethod
    def of(cls, folder: Path, where: str) -> Footprint:
        """Of the model in a folder; `where` names it in a UserError about its weights."""
        parameters = sum(
            hub.count_parameters(file, where) for file in hub.weight_files(folder, where)
        )
        return cls.from_config(read_json(folder / "config.json"), parameters)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], parameters: int, active: int | None = None
    ) -> Footprint:
        """From the values of a ``config.json``; other architectures' names are looked up too."""
        config = config.get("text_config", config)

        def value(*names: str, default: int = 1) -> int:
            found = (config[name] for name in names if config.get(name) is not None)
            return int(next(found, default))

        hidden, heads = value("hidden_size", "n_embd"), value("num_attention_heads", "n_head")
        return cls(
            parameters=parameters,
            active=active or parameters,
            layers=value("num_hidden_layers", "n_layer"),
            hidden=hidden,
            kv_heads=value("num_key_value_heads", default=heads),
            head_dim=value("head_dim", default=hidden // heads),
            vocabulary=value("vocab_size"),
        )

    def weights(self, dtype: str) -> int:
        """Bytes of the weights."""
        return round(self.parameters * BYTES[dtype])

    def kv_cache(self, tokens: int, dtype: str) -> int:
        """Bytes of the keys and values of so many tokens."""
        each = 2 * self.layers * self.kv_heads * self.head_dim
        return round(tokens * each * BYTES[dtype])

    def lora_parameters(self, r: int) -> int:
        """Weights of an adapter of rank `r` on queries, keys, values and outputs, about."""
        keys = self.kv_heads * self.head_dim
        return self.layers * r * (2 * (self.hidden + self.hidden) + 2 * (self.hidden + keys))

    def training(self, tokens: int, dtype: str, r: int) -> int:
        """Bytes that LoRA training on `tokens` at once takes at the least: frozen weights, the
        adapter's state, one activation a layer (gradient checkpointing), logits in float32.
        """
        activations = 2 * tokens * self.layers * self.hidden
        logits = 4 * tokens * self.vocabulary
        state = ADAPTER_STATE_BYTES * self.lora_parameters(r)
        return self.weights(dtype) + state + activations + logits
