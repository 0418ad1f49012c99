"""How the chosen base reads: its tokenizer, and how many tokens it holds; no weights are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr import hub
from synthfr.errors import UserError
from synthfr.models import ModelFiles, encode_prompts, load_tokenizer
from synthfr.models.base import TAKEN, TINY_BASE, complete_files

if TYPE_CHECKING:
    from synthfr.models.base import Base
    from synthfr.pipeline.parameters import Params

Counts = NDArray[np.int64]

_CHUNK = 500  # texts whose ids are lists at one time
# in a config: positions are turned or sloped, not looked up in a table that ends
_ENDLESS = ("rope", "rotary", "alibi")


@dataclass(frozen=True)
class BaseReader:
    """`positions`: tokens of prompt and report that the base was made for (None: it names none);
    `endless`: past them it reads on, badly, where others end in an error.
    """

    folder: Path
    tokenizer: Any
    chat_template: bool
    positions: int | None
    endless: bool

    def prompts(self, prompts: Sequence[str]) -> Counts:
        """Tokens of each prompt, as generation and training give it to the model."""
        return _counts(
            encode_prompts(self.tokenizer, prompts[at : at + _CHUNK], self.chat_template)
            for at in range(0, len(prompts), _CHUNK)
        )

    def reports(self, texts: Sequence[str]) -> Counts:
        """Tokens of each report, with the one that ends it."""
        return _counts(self._encoded(texts)) + 1

    def unknown_share(self, texts: Sequence[str]) -> float:
        """Share of the tokens that stand for what the vocabulary cannot spell."""
        unknown = self.tokenizer.unk_token_id
        ids = [token for chunk in self._encoded(texts) for one in chunk for token in one]
        return ids.count(unknown) / max(1, len(ids)) if unknown is not None else 0.0

    def _encoded(self, texts: Sequence[str]) -> Iterable[list[list[int]]]:
        for at in range(0, len(texts), _CHUNK):
            yield self.tokenizer(list(texts[at : at + _CHUNK]), add_special_tokens=False)[
                "input_ids"
            ]


def base_folder(base: Base) -> Path:
    """Where the base lies; a folder that is not there, not complete, or a snapshot that is not in
    the cache is a UserError.
    """
    if base.source == "tiny":
        return TINY_BASE
    if base.source == "local":
        folder = Path(base.path or "")
        if not folder.is_dir():
            raise UserError(f"base.path: {folder} is no folder: name the folder of the model.")
    else:
        model = hub.pinned(base.repo_id or "", base.revision or "", "base.revision")
        folder = hub.snapshot(model, "base", allow_download=False, patterns=TAKEN)
    complete_files(folder)
    return folder


def base_reader(params: Params, folder: Path) -> BaseReader:
    """The reader of the base in `folder`; one that the stages cannot load is a UserError."""
    from transformers import AutoConfig

    chat = params.base.chat_template
    tokenizer = load_tokenizer(ModelFiles("base", folder, chat_template=chat))
    # counted, not read: a warning about the length would be of no use
    tokenizer.model_max_length = 10**9
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(
            f"base: {folder} holds no model that the installed transformers knows "
            f"({type(error).__name__}): choose another base or update transformers."
        ) from None
    config = config.get_text_config(decoder=True)
    endless = any(word in key for key in config.to_dict() for word in _ENDLESS)
    positions = getattr(config, "max_position_embeddings", None)
    return BaseReader(folder, tokenizer, chat, positions, endless)


def _counts(chunks: Iterable[list[list[int]]]) -> Counts:
    return np.array([len(ids) for chunk in chunks for ids in chunk], dtype=np.int64)
