"""The small evaluator of the embedded default: no model to download, fitted on the private
documents themselves, or on the public seed.

One vector a text: a smooth part (LSA of character 3-5-grams, which sees wording and abbreviations)
beside a sparse part (which words occur, weighted by how rare they are), so that one dot product is
the weighted mean of the two cosines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from synthfr.errors import UserError
from synthfr.scoring import windows
from synthfr.scoring.lexical import WORD
from synthfr.section import Count, Section, Share

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class LocalSettings(Section):
    """Parameters `score.evaluator.local`: see the comments in params.yaml."""

    fit: Literal["private", "public"] = "private"
    lsa_weight: Share = 0.6
    lsa_dimensions: Count = 100


CHARACTERS = (3, 5)
MAX_CHARACTER_FEATURES = 20_000
_WORD = re.compile(WORD)


class LocalEvaluator:
    """cosine = w * (LSA cosine) + (1 - w) * (IDF-weighted word overlap), w = `lsa_weight`.

    The vector is [√w * lsa/|lsa|, √(1-w) * idf/|idf|]. LSA: truncated SVD of sublinear TF-IDF over
    character n-grams inside words (Deerwester et al. 1990). Word overlap: cosine of binary vectors
    weighted by IDF; words that none of the documents has that it was fitted on are ignored.
    """

    weights: Path | None = None
    measures: Mapping[str, Any] = {}

    def __init__(self, params: LocalSettings) -> None:
        self._params = params
        self._characters: Any = None
        self._svd: Any = None
        self._words: Any = None

    def fit(self, texts: Sequence[str]) -> None:
        """Learn n-grams, IDF and the LSA space; fewer than three documents are a UserError."""
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        if len(texts) < 3:
            raise UserError(
                f"score: the local evaluator learns from {self._params.fit} documents, of which "
                f"there are {len(texts)}: give it at least three, or set score.evaluator.kind to "
                "sentence_transformers."
            )
        self._characters = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=CHARACTERS,
            min_df=2,
            sublinear_tf=True,
            max_features=MAX_CHARACTER_FEATURES,
            dtype=np.float64,
        )
        self._words = TfidfVectorizer(token_pattern=WORD, binary=True, dtype=np.float64)
        try:
            grams = self._characters.fit_transform(texts)
            self._words.fit(texts)
            dimensions = min(self._params.lsa_dimensions, min(grams.shape) - 1)
            if dimensions < 1:
                raise ValueError("a single n-gram")
        except ValueError:  # scikit-learn's when no n-gram, or no word, is left
            raise UserError(
                f"score: the {self._params.fit} documents have no words in common: check their "
                "text column."
            ) from None
        # exact: the randomised solver moved cosines by up to .07 from one seed to another
        self._svd = TruncatedSVD(dimensions, algorithm="arpack", random_state=0)
        self._svd.fit(grams)

    def encode(self, texts: Sequence[str]) -> csr_matrix:
        """Vectors, shape (n_texts, lsa_dimensions + n_words), sparse."""
        from scipy.sparse import csr_matrix, hstack
        from sklearn.preprocessing import normalize

        smooth = normalize(self._svd.transform(self._characters.transform(texts)))
        words = self._words.transform(texts)  # already of unit length
        weight = self._params.lsa_weight
        parts = [csr_matrix(np.sqrt(weight) * smooth), np.sqrt(1 - weight) * words]
        return hstack(parts, format="csr", dtype=np.float32)

    def windows(
        self, text: str, window_tokens: int, stride_tokens: int, within_tokens: int | None = None
    ) -> list[str]:
        """Windows of words."""
        words = [match.span() for match in _WORD.finditer(text)]
        return windows.cut(text, words, window_tokens, stride_tokens, within_tokens)
