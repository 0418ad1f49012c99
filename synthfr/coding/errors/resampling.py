"""Bootstrap: how a figure would vary with other documents (or codes) of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.bootstrap import document_weights
from synthfr.coding.metrics import Floats

RESAMPLES = 1000
_AT_ONCE = 4_000_000  # numbers held for the resamples that are drawn together: 32 MB


def drawn(n: int, resamples: int, seed: int, purpose: str) -> Iterator[NDArray[np.int64]]:
    """Positions 0 to n - 1 drawn with replacement: blocks of rows, `resamples` rows in all, each of
    shape (rows, n).
    """
    rng = seeding.rng(seed, "bootstrap", purpose)
    rows = max(1, _AT_ONCE // max(1, n))
    for start in range(0, resamples, rows):
        yield rng.integers(0, n, size=(min(rows, resamples - start), n))


def weights(n: int, resamples: int, seed: int, purpose: str) -> Iterator[Floats]:
    """How often each of n documents is in a resample: blocks of shape (rows, n)."""
    for block in document_weights(n, seeding.rng(seed, "bootstrap", purpose), resamples):
        yield block.astype(np.float64)
