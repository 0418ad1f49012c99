"""Where the true labels stand in a ranking: all that the metrics of rankings are made of.

A document has a few true labels among thousands, so their places are looked up in the sorted
scores, and no ranking is ever built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.metrics.arrays import Bools, Counts, Floats, blocks

MANY = 64  # true cells a row up to which comparing it is quicker than sorting


@dataclass(frozen=True)
class Ranks:
    """One value for each true cell, rows in order: shape (n_true,).

    `above`: scores of its row that are higher; `at_least`: as high or higher, its own included;
    `true_above`, `true_at_least`: those of them that are true. `n_true`: true cells of each row,
    shape (n_rows,); `width`: cells of a row.
    """

    row: Counts
    column: Counts
    above: Counts
    at_least: Counts
    true_above: Counts
    true_at_least: Counts
    n_true: Counts
    width: int

    def average_precision(self) -> Floats:
        """Of each row, shape (n_rows,): Σ (R_i - R_(i-1)) P_i over its distinct scores, from high
        to low, which is the mean of the precisions at its true cells. NaN without a true cell.
        """
        total = np.bincount(self.row, self.true_at_least / self.at_least, len(self.n_true))
        return _ratio(total, self.n_true)

    def auc(self) -> Floats:
        """Area under the ROC curve of each row, shape (n_rows,): the share of (true, false) pairs
        that stand in the right order, equal scores half (Mann & Whitney 1947). NaN where all or
        none is true.
        """
        false_above = self.above - self.true_above
        false_equal = self.at_least - self.true_at_least - false_above
        wrong = np.bincount(self.row, false_above + false_equal / 2, len(self.n_true))
        return 1.0 - _ratio(wrong, self.n_true * (self.width - self.n_true))

    def places(self, scores: NDArray[Any], depth: Counts) -> Counts:
        """Place of each true cell in its row, from 0; of equal scores the first cell stands first.

        Exact as far as `depth` (shape (n_rows,)); a place beyond may be too low, never so low as
        to be within. `scores` are those that the ranks were made of.
        """
        places = self.above.copy()
        tied = np.flatnonzero((self.at_least - self.above > 1) & (self.above < depth[self.row]))
        columns = np.arange(self.width)
        for part in blocks(len(tied), self.width):
            cells = tied[part]
            row, column = scores[self.row[cells]], self.column[cells, None]
            value = np.take_along_axis(row, column, axis=1)
            places[cells] += np.count_nonzero((row == value) & (columns < column), axis=1)
        return places


def ranks(truth: Bools, scores: NDArray[Any]) -> Ranks:
    """Ranks of the true cells within their rows; pass both transposed for ranks within columns.

    Shapes (n_rows, n_cells). A score that is no number is a ValueError. Rows with few true cells
    are compared with each of them, rows with many are sorted: both count the same.
    """
    n_rows, width = truth.shape
    row, column = np.divmod(np.flatnonzero(truth), max(1, width))
    n_true = np.bincount(row, minlength=n_rows)
    start = np.cumsum(n_true) - n_true
    above, at_least = np.zeros((2, len(row)), dtype=np.int64)
    alike = np.argsort(-n_true, kind="stable")  # rows of one block have about as many true cells
    for part in blocks(n_rows, width):
        rows = alike[part]
        some = scores[rows]
        if width and np.isnan(some.max()):
            raise ValueError("a score is no number (NaN): the coder that gave it is broken")
        count = n_true[rows]
        own = np.repeat(np.arange(len(rows)), count)
        nth = np.arange(len(own)) - np.repeat(np.cumsum(count) - count, count)
        cells = start[rows][own] + nth
        if count.max() > MANY:
            above[cells], at_least[cells] = _by_sorting(some, own, column[cells])
        else:
            above[cells], at_least[cells] = _by_comparing(some, own, column[cells], nth)
    true_above, true_at_least = _among_true(row, scores[row, column])
    return Ranks(row, column, above, at_least, true_above, true_at_least, n_true, width)


def pooled_auc(truth: Bools, scores: NDArray[Any]) -> float:
    """Area under the ROC curve of all cells pooled, equal scores half. NaN where all or none is
    true.

    The cells are sorted block by block, and the true ones counted in each.
    """
    positives = np.sort(scores[truth])
    n_false = truth.size - positives.size
    if not positives.size or not n_false:
        return float("nan")
    below, not_above = np.zeros((2, positives.size), dtype=np.int64)
    for rows in blocks(*truth.shape):
        ordered = np.sort(scores[rows], axis=None)
        below += np.searchsorted(ordered, positives, "left")
        not_above += np.searchsorted(ordered, positives, "right")
    below -= np.searchsorted(positives, positives, "left")
    not_above -= np.searchsorted(positives, positives, "right")
    return float((below + not_above).sum() / 2 / (positives.size * n_false))


def _by_sorting(some: NDArray[Any], row: Counts, column: Counts) -> tuple[Counts, Counts]:
    """`above` and `at_least` of the cells at `row` and `column` of `some`."""
    values = some[row, column]
    width = some.shape[1]
    ordered = np.sort(some, axis=1)
    not_above = _bisect(ordered, row, values, equal=True)
    below = _bisect(ordered, row, values, equal=False)
    return width - not_above, width - below


def _bisect(ordered: NDArray[Any], row: Counts, values: NDArray[Any], *, equal: bool) -> Counts:
    """How many scores of `row`, which ascend, are lower than `values` (or as low): all at once."""
    width = ordered.shape[1]
    flat, start = ordered.ravel(), row * width
    low, high = np.zeros_like(row), np.full_like(row, width)
    for _ in range(width.bit_length()):
        middle = (low + high) >> 1
        seen = flat[start + np.minimum(middle, width - 1)]
        further = (seen <= values if equal else seen < values) & (low < high)
        low = np.where(further, middle + 1, low)
        high = np.where(further, high, middle)
    return low


def _by_comparing(
    some: NDArray[Any], row: Counts, column: Counts, nth: Counts
) -> tuple[Counts, Counts]:
    """As `_by_sorting`; `nth`: the how manieth of its row a cell is, from 0.

    Single precision keeps the order of scores, or makes them equal. So where it finds a value
    equal to none but itself, its counts hold; the others are counted again.
    """
    n_rows, width = some.shape
    with np.errstate(over="ignore"):  # to infinity, which keeps the order too
        short = some.astype(np.float32)
    limits = np.full((int(nth.max(initial=-1)) + 1, n_rows), np.inf, dtype=np.float32)
    limits[nth, row] = short[row, column]
    higher = np.zeros((n_rows, -(-width // 8) * 8), dtype=np.bool_)  # whole words
    words = higher.view(np.uint64)
    # eight cells are added at once, as the bytes of a word, and 255 words: no byte overflows
    chunks = range(0, words.shape[1], 255)
    sums = np.empty((2, len(limits), len(chunks), n_rows), dtype=np.uint64)
    for place, limit in enumerate(limits):
        for which, compare in enumerate((np.greater, np.greater_equal)):
            compare(short, limit[:, None], out=higher[:, :width])
            for chunk, first in enumerate(chunks):
                added = sums[which, place, chunk]
                np.einsum("ij->i", words[:, first : first + 255], out=added)
    counts = sums.view(np.uint8).reshape(*sums.shape, 8).sum(axis=(2, 4), dtype=np.int64)
    above, at_least = counts[:, nth, row]
    if some.dtype != np.float32:
        equal = np.flatnonzero(at_least - above > 1)
        for part in blocks(len(equal), width):
            cells = equal[part]
            of_rows, value = some[row[cells]], some[row[cells], column[cells], None]
            above[cells] = np.count_nonzero(of_rows > value, axis=1)
            at_least[cells] = np.count_nonzero(of_rows >= value, axis=1)
    return above, at_least


def _among_true(row: Counts, values: NDArray[Any]) -> tuple[Counts, Counts]:
    """`true_above` and `true_at_least` of true cells whose rows ascend."""
    order = np.lexsort((-values, row))
    row, values = row[order], values[order]
    new_row = np.diff(row, prepend=-1) != 0
    new = new_row | np.concatenate([[True], values[1:] != values[:-1]])[: len(row)]
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    of_row = np.flatnonzero(new_row)[np.cumsum(new_row) - 1]
    after = np.append(first[1:], len(row))
    above, at_least = np.empty_like(row), np.empty_like(row)
    above[order], at_least[order] = first[group] - of_row, after[group] - of_row
    return above, at_least


def _ratio(part: NDArray[Any], whole: Counts) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio
