"""How many tokens of a text a sentence-transformers model reads: what it was published with, what
it could read, and what is asked of it.

Many models are published with a limit far below what they have positions for (BioLORD-2023-M: 64,
of 512 possible), and cut every text there without a word. A similarity of the first lines would
then pass for one of the whole reports: it is refused, unless raised or accepted by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from synthfr.disk import read_json
from synthfr.errors import UserError

OwnLimit = Literal["refuse", "raise", "accept"]

SECTION = "score.evaluator.sentence_transformers"
_UNBOUNDED = 1_000_000  # tokenizers without a limit of their own say 1e30
# models that number the positions of a text from padding_idx + 1 on
_AFTER_PADDING = ("roberta", "camembert", "mpnet", "longformer", "xmod", "data2vec-text", "luke")
# what sentence-transformers looks for beside a model, first found first
_MODULE_FILES = [
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
]


@dataclass(frozen=True)
class TokenLimits:
    """Tokens of a text, special ones counted; None: any number.

    `own`: that the model reads as it is published; `positions`: that it has positions for.
    """

    own: int | None
    positions: int | None

    @classmethod
    def of(cls, own: int | float | None, config: Mapping[str, Any]) -> TokenLimits:
        """From the limit that a model was loaded with, and its transformer's `config`."""
        positions = _positions(config)
        limits = [one for one in (own, positions) if one is not None and one < _UNBOUNDED]
        return cls(int(min(limits)) if limits else None, positions)

    @classmethod
    def published(cls, folder: Path) -> TokenLimits:
        """From the files of a model's `folder` alone, as sentence-transformers reads them.

        A file that cannot be read is a UserError.
        """
        module = folder
        if (modules := folder / "modules.json").is_file():
            module = folder / str(read_json(modules)[0].get("path", ""))
        config = _read(module / "config.json")
        found = next((one for name in _MODULE_FILES if (one := _read(module / name))), {})
        own = found.get("max_seq_length")
        if own is None:
            own = _read(module / "tokenizer_config.json").get("model_max_length")
        return cls.of(own, config)


def tokens_read(
    limits: TokenLimits, own_limit: OwnLimit, max_tokens: int, window_tokens: int, model: str
) -> int:
    """Tokens of a text that the encoder is to read: `max_tokens`, or fewer where the model's own
    limit is accepted.

    UserError, with the numbers and the remedies, where the own limit is lower and nothing was said
    of it, or where it shall be raised above the positions that the model has.
    """
    own, positions = limits.own, limits.positions
    if own is None or own >= max_tokens:
        return max_tokens
    if own_limit == "accept":
        return own
    possible = positions is None or positions >= max_tokens
    if own_limit == "raise" and possible:
        return max_tokens
    if own_limit == "raise":
        raise UserError(
            f"{SECTION}.own_limit is raise, but {model} has positions for {positions} tokens and "
            f"max_tokens is {max_tokens}: lower max_tokens to {positions} or less, or set "
            "own_limit to accept."
        )
    asked = f"max_tokens asks for {max_tokens}"
    if own < window_tokens:
        asked += f", and a window has {window_tokens} (score.window_tokens)"
    if possible:
        remedy = f"raise (it reads {max_tokens}, for which it has positions)"
    else:
        remedy = f"raise, and max_tokens to {positions} or less (it has no more positions)"
    raise UserError(
        f"{SECTION}: {model} reads the first {own} tokens of a text by its own limit; {asked}: set "
        f"own_limit to {remedy}, or to accept (the rest of every text is not read)."
    )


def _positions(config: Mapping[str, Any]) -> int | None:
    """Tokens that a transformer has positions for; None where they are relative, or computed."""
    most = config.get("max_position_embeddings")
    if most is None or most < 1:  # XLNet: -1
        return None
    kind = str(config.get("model_type", ""))
    after = kind.removeprefix("xlm-").removesuffix("-xl") in _AFTER_PADDING
    padding = config.get("pad_token_id")
    return int(most) - ((1 if padding is None else int(padding)) + 1 if after else 0)


def _read(path: Path) -> dict[str, Any]:
    return dict(read_json(path)) if path.is_file() else {}
