"""Bootstrap: how a figure would vary with other documents (or codes) of the same kind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.coding.metrics import Floats
from synthfr.stats import CONFIDENCE, Interval, without_limits

RESAMPLES = 1000
LIMITS = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))  # percentiles
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
    for block in drawn(n, resamples, seed, purpose):
        row = np.arange(len(block))[:, None] * n
        counts = np.bincount((block + row).ravel(), minlength=block.size)
        yield counts.reshape(block.shape).astype(np.float64)


def percentile_interval(estimate: float, resampled: Floats, n: int) -> Interval:
    """The estimate between the percentiles of its resampled values (Efron 1979), those that are
    not defined (NaN) left out; without limits where fewer than half are defined.
    """
    defined = resampled[np.isfinite(resampled)]
    if defined.size * 2 < resampled.size or not defined.size:
        return without_limits(estimate, [estimate])
    low, high = np.percentile(defined, LIMITS)
    return Interval(estimate, float(low), float(high), n)
