"""How large a causal language model of a folder is, from its config and the headers of its weights,
before anything is loaded. Of a model that is not here: `architecture`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr import hub
from synthfr.disk import read_json

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "nf4": 0.56}  # of a weight


@dataclass(frozen=True)
class Footprint:
    """Sizes of a model."""

    parameters: int
    layers: int
    kv_heads: int
    head_dim: int

    @classmethod
    def of(cls, folder: Path, where: str) -> Footprint:
        """Of the model in a folder; `where` names it in a UserError about its weights."""
        parameters = sum(
            hub.count_parameters(file, where) for file in hub.weight_files(folder, where)
        )
        return cls.from_config(read_json(folder / "config.json"), parameters)

    @classmethod
    def from_config(cls, config: dict[str, Any], parameters: int) -> Footprint:
        """From the values of a ``config.json``; other architectures' names are looked up too."""
        config = config.get("text_config", config)

        def value(*names: str, default: int = 1) -> int:
            found = (config[name] for name in names if config.get(name) is not None)
            return int(next(found, default))

        hidden, heads = value("hidden_size", "n_embd"), value("num_attention_heads", "n_head")
        return cls(
            parameters=parameters,
            layers=value("num_hidden_layers", "n_layer"),
            kv_heads=value("num_key_value_heads", default=heads),
            head_dim=value("head_dim", default=hidden // heads),
        )

    def weights(self, dtype: str) -> int:
        """Bytes of the weights."""
        return round(self.parameters * BYTES[dtype])

    def kv_cache(self, tokens: int, dtype: str) -> int:
        """Bytes of the keys and values of so many tokens."""
        each = 2 * self.layers * self.kv_heads * self.head_dim
        return round(tokens * each * BYTES[dtype])
