"""What gives each candidate its `similarity`: what a rater, and an encoder of texts, has to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synthfr.scoring.patients import patient_known
from synthfr.text import strip_headings

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix


@dataclass(frozen=True)
class Documents:
    """Reports by id: their texts, headings stripped where that is wanted, and whom each is about
    (a report of which that is not known has an owner of its own).
    """

    texts: Mapping[str, str]
    owners: Mapping[str, str]

    @classmethod
    def of(cls, reports: pd.DataFrame, key: str, without_headings: bool) -> Documents:
        """From a table with the columns `key`, text, language and perhaps patient_id."""
        ids = reports[key].tolist()
        texts = reports["text"].tolist()
        if without_headings:
            texts = [
                strip_headings(text, language)
                for text, language in zip(texts, reports["language"], strict=True)
            ]
        owners = ids
        if any(known := patient_known(reports)):
            # no patient's id begins so: nobody shares an owner with a report without a patient
            owners = [
                patient if is_known else f"\0{one}"
                for one, patient, is_known in zip(ids, reports["patient_id"], known, strict=True)
            ]
        return cls(dict(zip(ids, texts, strict=True)), dict(zip(ids, owners, strict=True)))


class Rater(Protocol):
    """Something that has learnt from the private documents what it needs."""

    weights: Path | None  # its weights file, for the record of what was used; None: it has none
    measures: Mapping[str, Any]  # numbers about itself, which may leave; empty: none

    def rate(self, texts: Sequence[str], prompt_ids: Sequence[str]) -> NDArray[np.float64]:
        """Similarity in [-1, 1] of each candidate of these prompts, shape (n_texts,); a blank one
        is similar to nothing: 0.
        """


class Encoder(Protocol):
    """Turns texts into vectors. The cosine of two texts is the dot product of their rows."""

    weights: Path | None  # see `Rater`
    measures: Mapping[str, Any]  # see `Rater`

    def fit(self, texts: Sequence[str]) -> None:
        """Learn from documents, where there is anything to learn."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | csr_matrix:
        """Vectors of unit length, shape (n_texts, n_dimensions); shorter only for texts that say
        nothing it knows.
        """

    def windows(
        self, text: str, window_tokens: int, stride_tokens: int, within_tokens: int | None = None
    ) -> list[str]:
        """`text`, or its first `within_tokens` tokens, in overlapping windows of the encoder's own
        tokens; the text itself when it is not longer than one.
        """
