"""Texts as vectors of the words and word pairs that private reports hold, weighted by their rarity:
how similar two texts are in what few reports say.

Weights are from the private reports of both sides together, so that they favour neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthfr.privacy.parts import parts
from synthfr.privacy.token_ngrams import NgramsByOrder

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# a term that more of the reports have tells little of any, and takes most of the time
MOST_REPORTS = 0.1
_TOGETHER = 500  # texts compared at once


class TermVectors:
    """TF-IDF vectors: (1 + ln times in the text) ln(reports / reports that have it), length 1.

    `reports`: the private reports, whose terms count.
    """

    def __init__(self, reports: Sequence[str]) -> None:
        self._terms = NgramsByOrder(reports, 2)
        self._rarity = np.ones(sum(self._terms.sizes))
        times = self._times(reports)
        having = np.bincount(times.indices, minlength=len(self._rarity))
        self._rarity = np.where(
            having <= max(2, MOST_REPORTS * len(reports)),
            np.log(len(reports) / np.maximum(having, 1)),
            0.0,
        )

    def of(self, texts: Sequence[str]) -> csr_array:
        """Vectors of texts, shape (n_texts, n_terms); one without any of the terms is all 0."""
        from scipy.sparse import diags_array

        vectors = self._times(texts)
        vectors.data = (1 + np.log(vectors.data)) * self._rarity[vectors.indices]
        vectors.eliminate_zeros()
        lengths = np.sqrt((vectors * vectors).sum(axis=1))
        return (diags_array(1 / np.where(lengths > 0, lengths, 1.0)) @ vectors).tocsr()

    def blocks(self, texts: Sequence[str]) -> Iterator[tuple[slice, csr_array]]:
        """The same, some texts at a time: which ones, and their vectors."""
        for part in parts(len(texts), _TOGETHER, "similarity"):
            yield part, self.of(texts[part])

    def _times(self, texts: Sequence[str]) -> csr_array:
        from scipy.sparse import coo_array

        found, _, text_of = self._terms.stand_in(texts)
        found[1] += np.where(found[1] >= 0, self._terms.sizes[0], 0)
        known = found >= 0
        places = (np.broadcast_to(text_of, found.shape)[known], found[known])
        shape = (len(texts), len(self._rarity))
        times = coo_array((np.ones(known.sum()), places), shape=shape).tocsr()
        times.sum_duplicates()
        return times
