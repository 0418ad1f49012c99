"""The arrays that metrics are made of, and the blocks that they are read in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_CELLS = 1 << 20  # in one block: 8 MiB of scores, whatever the number of documents


def blocks(rows: int, cells_per_row: int) -> Iterator[slice]:
    """Slices that cover `rows` in order, each of about a million cells, one row at least."""
    step = max(1, _CELLS // max(1, cells_per_row))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


def share(part: Counts | Floats, whole: Counts | Floats) -> Floats:
    """``part / whole``, 0 where `whole` is 0; shapes as given."""
    ratio: Floats = np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole > 0)
    return ratio


def mean(values: Floats) -> float:
    """The mean; NaN of nothing."""
    return float(values.mean()) if values.size else float("nan")
