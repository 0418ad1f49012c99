"""Texts as weighted terms: words and word n-grams, n-grams of characters where asked.

Texts are counted once, however many training sets are drawn from them. What a training set changes
is which terms are known and what each is worth (`Weighting`), and only those texts are weighted
that are learnt from or asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.coding.coder import Rows
from synthfr.coding.columns import Numbers, numbered, only
from synthfr.coding.metrics import Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# not `text.tokens.words`: a term is one feature whatever mark stands beside it; but clinicians
# write findings with signs alone: "+++", "<"
TOKEN_PATTERN = r"(?u)\w+|[+><]+"
MIN_DOCUMENTS = 2  # a feature seen in one report only cannot generalise


class Terms:
    """What stands in a fixed list of texts; of each kind of term a matrix of shape (n_texts,
    n_terms) with 1 + log(tf), without terms that fewer than `MIN_DOCUMENTS` of the texts have.
    """

    def __init__(
        self, texts: Sequence[str], max_ngram: int, char_ngrams: Sequence[int] | None
    ) -> None:
        """`char_ngrams`: the shortest and the longest, of each word with the space around it.

        ValueError where the texts hold no term at all.
        """
        counts = [_counted(texts, ngram_range=(1, max_ngram), token_pattern=TOKEN_PATTERN)]
        if char_ngrams is not None:
            lengths = char_ngrams[0], char_ngrams[-1]
            counts.append(_counted(texts, analyzer="char_wb", ngram_range=lengths))
        self._kinds = []
        for one in counts:
            one.data = 1.0 + np.log(one.data, dtype=np.float64)
            self._kinds.append(one)

    def weighting(self, train: Rows) -> Weighting | None:
        """What the texts `train` know, and how they weight it: terms that at least `MIN_DOCUMENTS`
        of them have, by their smoothed idf, ln((n + 1) / (df + 1)) + 1. None where they have none.
        """
        known = []
        for terms in self._kinds:
            frequency = np.bincount(terms[train].indices, minlength=terms.shape[1])
            kept = frequency >= MIN_DOCUMENTS
            if kept.any():
                idf = np.log((len(train) + 1.0) / (frequency[kept] + 1.0)) + 1.0
                known.append(_Known(terms, numbered(kept), idf))
        return Weighting(known) if known else None


@dataclass(frozen=True)
class _Known:
    """Of one kind of `terms`: the `number` of each that is known, else -1, and their `idf`."""

    terms: csr_matrix
    number: Numbers
    idf: Floats


@dataclass(frozen=True)
class Weighting:
    """TF-IDF as one training set has it; see `Terms.weighting`."""

    _known: Sequence[_Known]

    def of(self, rows: Rows) -> csr_matrix:
        """Features of the texts `rows`, shape (len(rows), n_features): (1 + log(tf)) idf, each kind
        of term L2-normalised on its own.
        """
        from scipy.sparse import hstack
        from sklearn.preprocessing import normalize

        weighted = []
        for known in self._known:
            drawn = known.terms[rows]
            features = only(drawn, known.number)
            features.data *= known.idf[features.indices]
            weighted.append(normalize(features, copy=False))
        return weighted[0] if len(weighted) == 1 else hstack(weighted, format="csr")


def _counted(texts: Sequence[str], **how: Any) -> csr_matrix:
    """How often each term stands in each text, of those that are not too rare; `how`: parameters of
    CountVectorizer.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    counts = CountVectorizer(**how).fit_transform(texts).tocsr()
    counts.sort_indices()  # else sums round as the order of the texts has it
    return only(counts, numbered(np.bincount(counts.indices) >= MIN_DOCUMENTS))
