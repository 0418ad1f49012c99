"""n-grams that synthetic texts share with real ones: as sets, text by text, and without each
patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.coded import Coded, Int32, Int64
from synthfr.privacy.leave_one_out import Figure
from synthfr.privacy.matches import NOBODY
from synthfr.privacy.ngrams import Ngrams, n_different, patients_with

Bools = NDArray[np.bool_]

_BLOCK_WORDS = 4_000_000


@dataclass(frozen=True)
class SharedNgrams:
    """What synthetic reports share with one side of `Sides`: the figures of `overlap.Overlap`,
    each also without each patient.
    """

    containment: Figure
    jaccard: Figure
    report_share: Figure
    reports_sharing: Figure


@dataclass(frozen=True)
class Found:
    """Real n-grams found in synthetic texts.

    Attributes:
        texts, ngrams: of each occurrence, the synthetic text and the n-gram.
        totals: n-grams of each synthetic text, shape (n_texts,).
        n_different: different n-grams of the synthetic texts.
        real: n-gram at each position of the real texts.
        size: different n-grams of those.
    """

    texts: Int32
    ngrams: Int32
    totals: Int64
    n_different: int
    real: Int32
    size: int

    @classmethod
    def of(cls, texts: Coded, real: Coded, n: int) -> Found:
        table = Ngrams(real, n)
        where, what = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for which, block in texts.blocks(_BLOCK_WORDS):
            ids = table.look_up(block.numbers)
            known = ids >= 0
            where.append(block.text_of[known] + np.int32(which.start))
            what.append(ids[known])
        totals = np.maximum(texts.lengths - n + 1, 0)
        different = n_different(texts, n)
        return cls(
            np.concatenate(where), np.concatenate(what), totals, different, table.ids, table.size
        )

    def of_texts(self, asked: Bools) -> tuple[float, float, NDArray[np.float64]]:
        """Containment, Jaccard index and each synthetic text's share of real n-grams, with all real
        texts whose positions are asked for.
        """
        there = self._has(self.real[asked])
        shared = int((self._has(self.ngrams) & there).sum())
        together = int(there.sum()) + self.n_different - shared
        copied = np.bincount(self.texts[there[self.ngrams]], minlength=len(self.totals))
        return (
            shared / max(self.n_different, 1),
            shared / max(together, 1),
            copied / np.maximum(self.totals, 1),
        )

    def by_patient(self, patients: Int64, first: int, count: int) -> SharedNgrams:
        """With the real texts of these patients, numbered from `first` on (`NOBODY`: the position
        does not count).
        """
        own = np.where(patients >= 0, patients - first, NOBODY).astype(np.int32)
        n_patients, only = patients_with(self.real, own, self.size)
        there = n_patients > 0
        here = there[self.ngrams]
        texts, whose = self.texts[here], only[self.ngrams[here]]
        seen = self._has(self.ngrams) & there
        shared = seen.sum() - _times(only[seen], count)
        all_real = there.sum() - _times(only[there], count)
        n_texts = len(self.totals)
        copied = np.bincount(texts, minlength=n_texts)
        falls = _times(whose, count, 1 / np.maximum(self.totals, 1)[texts]) / n_texts
        share = float((copied / np.maximum(self.totals, 1)).mean())
        # reports all of whose real n-grams are of the same single patient
        least, most = np.full(n_texts, count), np.full(n_texts, NOBODY)
        np.minimum.at(least, texts, whose)
        np.maximum.at(most, texts, whose)
        lost = _times(least[(copied > 0) & (least == most)], count) / n_texts
        sharing = float((copied > 0).mean())
        size = max(self.n_different, 1)
        together = max(int(there.sum()) + self.n_different - int(seen.sum()), 1)
        return SharedNgrams(
            Figure(float(seen.sum() / size), shared / size),
            Figure(
                float(seen.sum() / together),
                shared / np.maximum(all_real + self.n_different - shared, 1),
            ),
            Figure(share, share - falls),
            Figure(sharing, sharing - lost),
        )

    def _has(self, ngrams: Int32) -> Bools:
        has = np.zeros(self.size, dtype=np.bool_)
        has[ngrams[ngrams >= 0]] = True
        return has


def _times(owners: Int64, count: int, weights: NDArray[np.float64] | None = None) -> Int64:
    known = owners >= 0
    return np.bincount(owners[known], None if weights is None else weights[known], minlength=count)
