"""The private report from which a synthetic one could have been copied: of each synthetic report,
the private ones that hold most of its 5-grams.

With G(x) the multiset of n-grams of x, s synthetic and r private, and
m = Σ_g min(G_s[g], G_r[g]): recall = m / |G_s|, precision = m / |G_r|, F their harmonic mean: the
ROUGE-5 of Kiefer et al. 2025, whose order of arguments makes recall the share of the synthetic
report. On ASCII text equal to the library rouge-score, without comparing all pairs:

* The second occurrence of an n-gram in a report counts as an item of its own. Then m is the
  number of items that two reports share, one product of sparse matrices.
* Rare items come first: their product touches only reports that share something rare. What the
  frequent ones (formulas) could add at most is known, so most private reports are out; the
  others are summed up over a dense table.

Cost: linear in the words, plus one step for every private report that shares a rare item with a
synthetic one. Where a synthetic report shares nothing rare, its frequent items are summed over all
private reports, one byte each: (frequent items) x (private reports) for such a report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.coded import Coded, Int32, Int64, Vocabulary
from synthfr.privacy.ngrams import Ngrams, counted
from synthfr.text.tokens import alphanumeric_words

if TYPE_CHECKING:
    import scipy.sparse as sp

N = 5
KEPT = 10  # nearest private reports of each synthetic one
_BLOCK_WORDS = 2_000_000
_BLOCK_STEPS = 20_000_000  # additions of one sparse product: some 250 MB
_TABLE_BYTES = 256 * 2**20  # of the frequent items
_SPARSE_COST = 40  # an addition of a sparse product takes as long as so many bytes of the table

Side = tuple[int, int]  # the private reports from this one up to that one


@dataclass(frozen=True)
class BestMatches:
    """The private reports of one side that hold most of each synthetic report.

    Attributes:
        shared: n-grams in common (m) with each of the `KEPT` nearest, most first, 0 where there
            are no more, shape (n_texts, kept).
        reports: which reports those are (the earlier one on ties), -1 where there are no more, same
            shape. Private.
        n_ngrams: |G_s|, shape (n_texts,).
        n_private: |G_r| of all private reports.
    """

    shared: Int32
    reports: Int32
    n_ngrams: Int64
    n_private: Int64

    @property
    def recalls(self) -> NDArray[np.float64]:
        """Of each of the nearest, shape (n_texts, kept)."""
        return np.asarray(self.shared / np.maximum(self.n_ngrams, 1)[:, None])

    @property
    def precisions(self) -> NDArray[np.float64]:
        """Shape (n_texts, kept)."""
        lengths = np.append(self.n_private, 1)[self.reports]  # -1: the one that is appended
        return np.asarray(self.shared / np.maximum(lengths, 1))

    @property
    def f_measures(self) -> NDArray[np.float64]:
        """Shape (n_texts, kept)."""
        recall, precision = self.recalls, self.precisions
        together = np.where(self.shared > 0, recall + precision, 1)
        return np.asarray(2 * recall * precision / together)


class Index:
    """n-grams of private reports (numbered in the order given), to compare other texts with.

    Attributes:
        n_ngrams: of each report, shape (n_reports,).
        ngram_of: the n-gram that each item is an occurrence of, shape (n_items,).
        items: reports x items, 1 where a report has it.
    """

    def __init__(self, reports: Sequence[str], n: int = N) -> None:
        self.n = n
        self.vocabulary = Vocabulary(alphanumeric_words)
        coded = self.vocabulary.code(reports)
        self._table = Ngrams(coded, n)
        self.n_ngrams = np.maximum(coded.lengths - n + 1, 0)
        owners, ngrams, again = _occurrences(self._table.ids, coded.text_of)
        keys = ngrams * 2**24 + again  # a report has fewer than 2 ** 24 words
        self._repeated = np.unique(keys[again > 0])
        self.ngram_of = np.append(np.arange(self._table.size), self._repeated >> 24)
        self.items = _matrix(owners, self._numbered(ngrams, again), len(reports), self.n_items)
        self.coded, self.ids = coded, self._table.ids

    @property
    def n_different(self) -> int:
        """Different n-grams; the items after the first so many are repetitions."""
        return self._table.size

    @property
    def n_items(self) -> int:
        return len(self.ngram_of)

    def items_of(self, texts: Coded) -> sp.csr_array:
        """Texts x items, 1 where a text has one that some private report has. `texts` are coded by
        the index's vocabulary.
        """
        owners, ngrams, again = _occurrences(self._table.look_up(texts.numbers), texts.text_of)
        numbers = self._numbered(ngrams, again)
        known = numbers >= 0
        return _matrix(owners[known], numbers[known], len(texts), self.n_items)

    def blocks(
        self, texts: Coded, steps_of: Int64, what: str
    ) -> Iterator[tuple[slice, sp.csr_array]]:
        """`items_of` the texts in parts whose products with the reports are small enough.
        `steps_of`: additions that each item costs.
        """
        from tqdm import tqdm  # type: ignore[import-untyped]

        with tqdm(total=len(texts), desc=what, unit="report", disable=None) as progress:
            for which, block in texts.blocks(_BLOCK_WORDS):
                items = self.items_of(block)
                steps = np.cumsum(np.append(0, steps_of[items.indices]))[items.indptr]
                first = 0
                while first < len(block):
                    limit = steps[first] + _BLOCK_STEPS
                    last = max(int(np.searchsorted(steps, limit, side="right")) - 1, first + 1)
                    yield slice(which.start + first, which.start + last), items[first:last]
                    progress.update(last - first)
                    first = last

    def _numbered(self, ngrams: Int64, again: Int64) -> Int64:
        """Numbers of items, -1 of a repetition that no private report has."""
        numbers = ngrams.copy()
        more = np.flatnonzero(again)
        keys = ngrams[more] * 2**24 + again[more]
        at = np.searchsorted(self._repeated, keys)
        known = np.append(self._repeated, -1)[at] == keys
        numbers[more] = np.where(known, self._table.size + at, -1)
        return numbers


def best_matches(
    index: Index, texts: Coded, sides: Sequence[Side], kept: int = KEPT
) -> list[BestMatches]:
    """The nearest private reports of each text, on each side apart."""
    frequency = np.bincount(index.items.indices, minlength=index.n_items)
    n_reports = index.items.shape[0]
    rare, table, row_of = _split(index.items, frequency)
    steps = np.where(row_of < 0, frequency, 0).astype(np.int64)
    n_ngrams = np.maximum(texts.lengths - index.n + 1, 0)
    found = [
        BestMatches(
            np.zeros((len(texts), kept), np.int32),
            np.full((len(texts), kept), -1, np.int32),
            n_ngrams,
            index.n_ngrams,
        )
        for _ in sides
    ]
    for which, items in index.blocks(texts, steps, "best matches"):
        product = items @ rare
        for row, text in enumerate(range(which.start, which.stop)):
            own = slice(product.indptr[row], product.indptr[row + 1])
            reports, shared = product.indices[own], product.data[own]
            rows = row_of[items.indices[items.indptr[row] : items.indptr[row + 1]]]
            rows = rows[rows >= 0]
            for side, result in zip(sides, found, strict=True):
                there = (reports >= side[0]) & (reports < side[1])
                which_best, most = _best(
                    reports[there], shared[there], rows, table, side, n_reports, kept
                )
                result.reports[text, : len(which_best)] = which_best
                result.shared[text, : len(most)] = most
    return found


def _best(
    reports: Int32,
    shared: Int32,
    rows: Int64,
    table: NDArray[np.uint8],
    side: Side,
    n_reports: int,
    kept: int,
) -> tuple[Int32, Int32]:
    """The reports that share most, given those that share rare items, and the rows of the table
    that the text has.
    """
    if len(rows):
        enough = int(np.partition(shared, -kept)[-kept]) if len(shared) >= kept else 0
        if enough > len(rows):  # even with all of the frequent items, the others stay below
            able = shared >= enough - len(rows)
            reports, shared = reports[able], shared[able]
            shared = shared + _summed(table, rows, reports)
        else:
            total = _summed(table, rows, slice(*side))
            total[reports - side[0]] += shared
            reports = np.flatnonzero(total).astype(np.int32)
            shared = total[reports]
            reports += np.int32(side[0])
    if len(shared) > kept:
        able = shared >= np.partition(shared, -kept)[-kept]
        reports, shared = reports[able], shared[able]
    # the earlier report where two share equally many
    order = np.argsort(-(shared.astype(np.int64) * n_reports) + reports)[:kept]
    return reports[order], shared[order]


def _summed(table: NDArray[np.uint8], rows: Int64, columns: Int32 | slice) -> Int32:
    """Sums of these columns over these rows of zeros and ones, in bytes as long as they fit."""
    width = len(table[0, columns]) if len(table) else 0
    total = np.zeros(width, dtype=np.int32)
    for start in range(0, len(rows), 255):
        part = rows[start : start + 255]
        chosen = (
            table[part, columns] if isinstance(columns, slice) else table[np.ix_(part, columns)]
        )
        total += chosen.sum(axis=0, dtype=np.uint8)
    return total


def _split(
    reports: sp.csr_array, frequency: Int64
) -> tuple[sp.csr_array, NDArray[np.uint8], Int64]:
    """Rare items (items x reports, sparse), frequent ones (rows x reports, a byte each), and the
    row of each item, -1 of a rare one.
    """
    n_reports = max(reports.shape[0], 1)
    room = _TABLE_BYTES // n_reports
    limit = max(n_reports // _SPARSE_COST, 1)
    if (frequency > limit).sum() > room:
        limit = int(np.partition(frequency, -room - 1)[-room - 1])
    frequent = np.flatnonzero(frequency > limit)
    row_of = np.full(len(frequency), -1, dtype=np.int64)
    row_of[frequent] = np.arange(len(frequent))
    by_item = reports.T.tocsr()
    table = np.zeros((len(frequent), n_reports), dtype=np.uint8)
    chosen = by_item[frequent]
    table[np.repeat(np.arange(len(frequent)), np.diff(chosen.indptr)), chosen.indices] = 1
    owner, item = reports.nonzero()
    left = row_of[item] < 0
    rare = _matrix(item[left], owner[left], len(frequency), reports.shape[0])
    return rare, table, row_of


def _occurrences(ids: Int32, text_of: Int32) -> tuple[Int64, Int64, Int64]:
    """Every n-gram occurrence as (text, n-gram, how many the text has of it before this one)."""
    texts, ngrams, times = counted(ids, text_of, int(text_of.max(initial=0)) + 1)
    again = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(texts, times), np.repeat(ngrams, times), again


def _matrix(rows: NDArray[Any], columns: NDArray[Any], n_rows: int, n_columns: int) -> sp.csr_array:
    """Sparse ones at these places, no two of which are equal."""
    import scipy.sparse as sp

    ones = np.ones(len(rows), dtype=np.int32)
    return sp.csr_array((ones, (rows, columns)), shape=(n_rows, n_columns))
