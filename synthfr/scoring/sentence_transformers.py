"""Any sentence-transformers model as the evaluator: a folder, or ``owner/name@commit`` whose
snapshot is already in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr import hub
from synthfr.errors import UserError
from synthfr.scoring import windows
from synthfr.scoring.token_limits import SECTION, OwnLimit, TokenLimits, tokens_read
from synthfr.section import NOTHING_TO_WATCH, Count, Section


class SentenceTransformersSettings(Section):
    """Parameters `score.evaluator.sentence_transformers`: see the comments in params.yaml."""

    model: str | None = None
    watch: str = NOTHING_TO_WATCH
    max_tokens: Count = 512
    own_limit: OwnLimit = "refuse"


WHERE = f"{SECTION}.model"
# tokens encoded at once, padding included: on a CPU what its cache holds (64 texts of 512 tokens at
# once take twice as long), on a GPU what keeps it busy
CPU_BATCH_TOKENS = 4096
GPU_BATCH_TOKENS = 32768
_COUNTED_AT_ONCE = 1000  # texts


class SentenceTransformersEvaluator:
    """Cosine of a pre-trained encoder's embeddings; every text is cut at `max_tokens` of its own
    tokens, special ones counted: documents, candidates and windows alike.

    Nothing is downloaded, no code of the model is run, and only safetensors weights are read.
    `measures`: the tokens that are read of a text, and where that number comes from.
    """

    def __init__(self, params: SentenceTransformersSettings, window_tokens: int) -> None:
        """Load the model; one that is not there, or no such model, is a UserError, and so is one
        that reads less than it is asked to (`tokens_read`).
        """
        name = params.model or ""
        folder = hub.resolve(name, WHERE)
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
                f"{WHERE}: {name} cannot be loaded as a sentence-transformers model with "
                f"safetensors weights ({type(error).__name__}): check the folder or fetch it again."
            ) from None
        if not getattr(self._model.tokenizer, "is_fast", False):
            raise UserError(
                f"{WHERE}: {name} has no fast tokenizer, which windows need: choose a "
                "model with a tokenizer.json."
            )
        limits = TokenLimits.of(
            self._model.max_seq_length, self._model[0].auto_model.config.to_dict()
        )
        read = tokens_read(limits, params.own_limit, params.max_tokens, window_tokens, name)
        self._model.max_seq_length = read
        figures = {
            "own_limit": limits.own,
            "max_tokens": params.max_tokens,
            "tokens_read": read,
            "window_tokens": window_tokens,
        }
        self.measures: Mapping[str, Any] = {
            "encoder": {key: one for key, one in figures.items() if one is not None}
        }
        self.weights: Path | None = next(iter(sorted(folder.rglob("*.safetensors"))), None)

    def fit(self, private_texts: Sequence[str]) -> None:
        """Nothing to learn: the model is pre-trained."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (n_texts, n_dimensions): equal texts are encoded once, in batches of
        like length.
        """
        from tqdm import tqdm  # type: ignore[import-untyped]

        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        given = list(distinct)
        vectors = np.empty((len(given), self._model.get_embedding_dimension()), dtype=np.float32)
        with tqdm(total=len(given), unit="text", disable=None, leave=False) as bar:
            for rows in self._batches(given):
                vectors[rows] = self._model.encode(
                    [given[row] for row in rows],
                    batch_size=len(rows),
                    normalize_embeddings=True,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
                bar.update(len(rows))
        return vectors[[distinct[text] for text in texts]]

    def _batches(self, texts: Sequence[str]) -> list[list[int]]:
        """Indices into `texts`, longest texts first, as many at once as the device takes well."""
        on_cpu = self._model.device.type == "cpu"
        most = CPU_BATCH_TOKENS if on_cpu else GPU_BATCH_TOKENS
        lengths = self._lengths(texts)
        batches: list[list[int]] = []
        for index in sorted(range(len(texts)), key=lambda index: (-lengths[index], index)):
            if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= most:
                batches[-1].append(index)
            else:
                batches.append([index])
        return batches

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as it is encoded: special ones counted, what is cut off not."""
        found: list[int] = []
        for start in range(0, len(texts), _COUNTED_AT_ONCE):
            encoded = self._model.tokenizer(
                list(texts[start : start + _COUNTED_AT_ONCE]),
                truncation=True,
                max_length=self._model.max_seq_length,
                return_attention_mask=False,
            )
            found += map(len, encoded["input_ids"])
        return found

    def windows(
        self, text: str, window_tokens: int, stride_tokens: int, within_tokens: int | None = None
    ) -> list[str]:
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
        return windows.cut(text, spans, window_tokens, stride_tokens, within_tokens)
