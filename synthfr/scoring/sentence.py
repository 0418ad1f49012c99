"""Any sentence-transformers model as the evaluator: a folder, or ``owner/name@commit`` whose
snapshot is already in the cache.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr import hub
from synthfr.errors import UserError
from synthfr.scoring import windows

BATCH_SIZE = 64
_UNBOUNDED = 1_000_000  # tokenizers without a limit of their own say 1e30
_SPECIAL_POSITIONS = 2  # RoBERTa-like models number positions from 2 on


class SentenceEvaluator:
    """Cosine of a pre-trained encoder's embeddings; texts are cut at `max_tokens` of its own
    tokens.

    Nothing is downloaded, no code of the model is run, and only safetensors weights are read.
    """

    def __init__(self, name: str, max_tokens: int) -> None:
        folder = hub.resolve(name, "score.evaluator")
        from sentence_transformers import SentenceTransformer

        try:
            self._model: Any = SentenceTransformer(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"score.evaluator: {name} cannot be loaded as a sentence-transformers model with "
                f"safetensors weights ({type(error).__name__}): check the folder or fetch it again."
            ) from None
        if not getattr(self._model.tokenizer, "is_fast", False):
            raise UserError(
                f"score.evaluator: {name} has no fast tokenizer, which windows need: choose a "
                "model with a tokenizer.json."
            )
        self._model.max_seq_length = min(max_tokens, self._longest())
        self.weights: Path | None = next(iter(sorted(folder.rglob("*.safetensors"))), None)

    def fit(self, private_texts: Sequence[str]) -> None:
        """Nothing to learn: the model is pre-trained."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n_texts, n_dimensions), from one pass over length-sorted batches."""
        vectors = self._model.encode(
            list(texts),
            batch_size=BATCH_SIZE,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=sys.stderr.isatty(),
        )
        return np.asarray(vectors, dtype=np.float32)

    def windows(self, text: str, window_tokens: int, stride_tokens: int) -> list[str]:
        """Windows of the model's own tokens, cut out of the text by their positions (nothing is
        decoded).
        """
        encoded = self._model.tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=True,
            truncation=False,
            verbose=False,
        )
        spans = [(start, end) for start, end in encoded["offset_mapping"] if end > start]
        return windows.cut(text, spans, window_tokens, stride_tokens)

    def _longest(self) -> int:
        """Most tokens the model can take."""
        tokenizer_limit = int(self._model.tokenizer.model_max_length)
        if tokenizer_limit < _UNBOUNDED:
            return tokenizer_limit
        positions = getattr(self._model[0].auto_model.config, "max_position_embeddings", None)
        return int(positions) - _SPECIAL_POSITIONS if positions else _UNBOUNDED
