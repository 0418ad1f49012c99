"""What turns texts into vectors whose dot product is their similarity; which one is a parameter
(`score.evaluator`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from synthfr.scoring.scores import Score

SENTENCE_TRANSFORMERS = "sentence-transformers:"


class Evaluator(Protocol):
    """An encoder of texts. The cosine of two texts is the dot product of their rows."""

    weights: Path | None  # its weights file, for the record of what was used; None: it has none

    def fit(self, private_texts: Sequence[str]) -> None:
        """Learn from the private documents, where there is anything to learn."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32] | csr_matrix:
        """Vectors of unit length, shape (n_texts, n_dimensions); shorter only for texts that say
        nothing it knows.
        """

    def windows(self, text: str, window_tokens: int, stride_tokens: int) -> list[str]:
        """`text` in overlapping windows of the encoder's own tokens; the text itself when it is
        not longer than one.
        """


def evaluator(params: Score) -> Evaluator:
    """The evaluator that `params.evaluator` names; one that cannot be loaded is a UserError."""
    if params.evaluator.startswith(SENTENCE_TRANSFORMERS):
        from synthfr.scoring.sentence import SentenceEvaluator

        name = params.evaluator.removeprefix(SENTENCE_TRANSFORMERS)
        return SentenceEvaluator(name, params.max_tokens)
    from synthfr.scoring.local import LocalEvaluator

    return LocalEvaluator(params.local)
