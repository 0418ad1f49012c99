"""What a model's ``config.json`` says of its size: layers, widths, and how many weights follow.

The counts are exact for the families named here, as a test against transformers shows; of another
family the file tells nothing reliable, and its weights have to be there to be counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr import hub
from synthfr.disk import read_json

DECODERS = {"qwen3", "qwen3_moe", "qwen2", "llama", "mistral"}
ENCODERS = {"bert", "roberta", "xlm-roberta", "camembert", "modernbert"}
_SHIPPED = Path(__file__).parent / "architectures"


@dataclass(frozen=True)
class Architecture:
    """Widths of a transformer. `context`: the most tokens that it takes; `experts`: of each layer,
    0 where there is one feed-forward block for all tokens; `query_norm`: queries and keys are
    normalised (Qwen3).
    """

    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    context: int
    tied: bool
    experts: int = 0
    active_experts: int = 0
    token_types: int = 0
    attention_bias: bool = False

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Architecture | None:
        """From the values of a ``config.json``; None of a family whose weights nobody counts
        here.
        """
        config = config.get("text_config", config)
        family = config.get("model_type", "")
        if family not in DECODERS | ENCODERS:
            return None
        heads, hidden = config["num_attention_heads"], config["hidden_size"]
        experts = config.get("num_experts") or 0
        if experts and (config.get("mlp_only_layers") or config.get("decoder_sparse_step", 1) != 1):
            return None  # experts in some of the layers only
        return cls(
            family=family,
            layers=config["num_hidden_layers"],
            hidden=hidden,
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or hidden // heads,
            intermediate=config["moe_intermediate_size" if experts else "intermediate_size"],
            vocabulary=config["vocab_size"],
            context=config["max_position_embeddings"],
            tied=config.get("tie_word_embeddings", family in ENCODERS),
            experts=experts,
            active_experts=config.get("num_experts_per_tok") or 0,
            token_types=config.get("type_vocab_size", 2),
            attention_bias=config.get("attention_bias", family == "qwen2"),
        )

    @property
    def is_encoder(self) -> bool:
        return self.family in ENCODERS

    @property
    def query_norm(self) -> bool:
        """Whether queries and keys are normalised, each head by itself (Qwen3)."""
        return self.family.startswith("qwen3")

    @property
    def query_width(self) -> int:
        return self.heads * self.head_dim

    @property
    def key_width(self) -> int:
        """Of the keys of all heads, and of the values."""
        return self.kv_heads * self.head_dim

    @property
    def parameters(self) -> int:
        """All weights; of an encoder without a head."""
        return self._embeddings() + self.layers * self._layer(self.experts) + self._last()

    @property
    def active(self) -> int:
        """Weights that one token passes through: fewer in a mixture of experts."""
        return self._embeddings() + self.layers * self._layer(self.active_experts) + self._last()

    def linear_modules(self) -> dict[str, tuple[int, int]]:
        """A decoder layer's linear modules: name -> width in, width out. Of experts there is no
        module to put an adapter on.
        """
        attention = {
            "q_proj": (self.hidden, self.query_width),
            "k_proj": (self.hidden, self.key_width),
            "v_proj": (self.hidden, self.key_width),
            "o_proj": (self.query_width, self.hidden),
        }
        if self.experts:
            return attention
        return attention | {
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    def lora_modules(self, targets: str | list[str]) -> dict[str, tuple[int, int]]:
        """Those of the linear modules that an adapter stands on. `targets`: ``all-linear`` or
        names.
        """
        modules = self.linear_modules()
        wanted = modules if isinstance(targets, str) else targets
        return {name: widths for name, widths in modules.items() if name in wanted}

    def lora_parameters(self, r: int, targets: str | list[str]) -> int:
        """Weights of an adapter of rank `r`: two matrices a module (Hu et al. 2021, section
        4.1).
        """
        return self.layers * r * sum(sum(pair) for pair in self.lora_modules(targets).values())

    def kv_cache(self, tokens: int, bytes_each: float) -> int:
        """Bytes of the keys and values of so many tokens, `bytes_each` a number, in all layers."""
        return round(2 * self.layers * self.key_width * tokens * bytes_each)

    def _embeddings(self) -> int:
        words = self.vocabulary * self.hidden
        if self.family == "modernbert":
            return words + self.hidden
        if self.is_encoder:  # positions, kinds of token, a norm with bias
            return words + (self.context + self.token_types + 2) * self.hidden
        return words if self.tied else 2 * words

    def _layer(self, experts: int) -> int:
        hidden, inner = self.hidden, self.intermediate
        if self.family == "modernbert":  # two matrices in one before a gated unit; no biases
            return 4 * hidden**2 + 3 * hidden * inner + 2 * hidden
        if self.is_encoder:
            attention = 4 * (hidden**2 + hidden)
            return attention + 2 * hidden * inner + inner + hidden + 4 * hidden
        attention = 2 * hidden * (self.query_width + self.key_width)
        if self.attention_bias:
            attention += self.query_width + 2 * self.key_width
            attention += 0 if self.family == "qwen2" else hidden
        if self.query_norm:
            attention += 2 * self.head_dim
        blocks = 3 * hidden * inner * (experts or 1)
        router = hidden * self.experts
        return attention + blocks + router + 2 * hidden

    def _last(self) -> int:
        """What follows the layers: the last norm, or the pooler of a BERT."""
        if self.family == "modernbert":
            return 0  # the last norm makes up for the one that the first layer has not
        return self.hidden**2 + self.hidden if self.is_encoder else self.hidden


def shipped(repo_id: str) -> Architecture | None:
    """The architecture of a hub model that the profiles name, from the files beside this module."""
    config = shipped_config(repo_id)
    return Architecture.from_config(config) if config is not None else None


def shipped_config(repo_id: str) -> dict[str, Any] | None:
    """What of that model's ``config.json`` is written down beside this module."""
    file = _SHIPPED / f"{repo_id.replace('/', '--')}.json"
    return dict(read_json(file)["config"]) if file.is_file() else None


def found(reference: str) -> Architecture | None:
    """The architecture of a model: a folder, or owner/name of the hub, with @commit or not.

    From its own ``config.json`` where the model is on this disk, else from the shipped facts; None
    where neither tells.
    """
    if (folder := Path(reference)).is_dir():
        return _of_file(folder / "config.json")
    repo_id, _, revision = reference.partition("@")
    if repo_id.count("/") != 1:
        return None
    cached = hub.cached_file(repo_id, revision, "config.json")
    return (_of_file(cached) if cached else None) or shipped(repo_id)


def _of_file(file: Path) -> Architecture | None:
    return Architecture.from_config(read_json(file)) if file.is_file() else None
