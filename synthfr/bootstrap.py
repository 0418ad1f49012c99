"""The bootstrap over documents and coder seeds: how far a figure would move with other documents of
the same kind, and other seeds.

Documents are drawn anew once for all seeds, because every seed's coder judges the same documents;
seeds are drawn anew beside them, and both draws are crossed (Owen 2007, "The pigeonhole
bootstrap"). Of S seeds S - 1 are drawn (Rao & Wu 1988): S drawn of S would show a spread too small
by (S - 1) / S, a third where there are three.

It does not replace more seeds. Percentiles know nothing of how badly three seeds show their spread,
as Student's t does (`stats.paired_difference`, over seeds alone): where coders of one step differ
more by seed than by document, the limits are too narrow. One seed is not drawn at all, and the
limits then hold for that one coder. Where seeds differ document by document alone, crossing both
draws counts that more than once, and the limits are a little too wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthfr.stats import CONFIDENCE, Interval, without_limits

Array = NDArray[np.float64]
Weights = NDArray[np.float32]  # whole numbers, below 2^24: float32 adds them exactly
# how often each document is in a draw, shape (n_draws, n_documents) -> the figure of each draw,
# shape (n_draws,), NaN where it is not defined
Statistic = Callable[[Weights], Array]

DRAWS = 2000  # a p value of 5 % is then known to within 0.7 % (one standard error)
_CELLS = 1 << 21  # weights held at once: 8 MiB


@dataclass(frozen=True)
class Difference:
    """A difference with its limits, and the two-sided p value of there being none."""

    interval: Interval
    p_value: float


def crossed(
    of_seeds: Sequence[Statistic],
    n_documents: int,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Interval:
    """A figure's mean over seeds with its percentile limits; `of_seeds`: of each seed's coder.

    Without limits where there are fewer than two documents, or where the figure is not defined for
    half of the draws. The interval's n is the number of documents.
    """
    estimate, drawn = _drawn(of_seeds, None, n_documents, rng, draws)
    return _limits(estimate, drawn, n_documents)


def crossed_difference(
    after: Sequence[Statistic],
    before: Sequence[Statistic],
    n_documents: int,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Difference:
    """How much higher a figure is `after` than `before`, of the same documents; position i is the
    same seed in both (else ValueError).

    The p value is twice the share of draws on the other side of zero, those at zero on both, and
    one more of each so that none is 0 (Davison & Hinkley 1997, 4.2): it is at most 5 % about where
    the 95 % limits leave zero out. NaN where there are no limits.
    """
    if len(after) != len(before):
        raise ValueError(f"pairs are missing: {len(after)} seeds after, {len(before)} before")
    estimate, drawn = _drawn(after, before, n_documents, rng, draws)
    interval = _limits(estimate, drawn, n_documents)
    if np.isnan(interval.low):
        return Difference(interval, float("nan"))
    drawn = drawn[~np.isnan(drawn)]
    smaller = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return Difference(interval, min(1.0, 2 * (smaller + 1) / (drawn.size + 1)))


def document_weights(n: int, rng: np.random.Generator, draws: int) -> Iterator[Weights]:
    """How often each of `n` documents is among n drawn with replacement: blocks of shape
    (some draws, n).
    """
    at_once = max(1, _CELLS // max(1, n))
    for start in range(0, draws, at_once):
        block = min(at_once, draws - start)
        places = rng.integers(0, n, size=(block, n)) + np.arange(block)[:, None] * n
        counts = np.bincount(places.ravel(), minlength=block * n)
        yield counts.reshape(block, n).astype(np.float32)


def _drawn(
    after: Sequence[Statistic],
    before: Sequence[Statistic] | None,
    n_documents: int,
    rng: np.random.Generator,
    draws: int,
) -> tuple[float, Array]:
    """The figure (or difference) of the documents as they are, and of each draw."""

    def of_each_seed(weights: Weights) -> Array:
        figures = np.stack([statistic(weights) for statistic in after], axis=1)
        if before is not None:
            figures = figures - np.stack([statistic(weights) for statistic in before], axis=1)
        return np.asarray(figures, dtype=np.float64)

    seeds = len(after)
    estimate = float(of_each_seed(np.ones((1, n_documents), dtype=np.float32)).mean())
    chosen = rng.integers(0, seeds, size=(draws, max(1, seeds - 1)))
    if n_documents < 2:
        return estimate, np.full(draws, np.nan)
    figures = np.concatenate(
        [of_each_seed(some) for some in document_weights(n_documents, rng, draws)]
    )
    return estimate, np.take_along_axis(figures, chosen, axis=1).mean(axis=1)


def _limits(estimate: float, drawn: Array, n: int) -> Interval:
    defined = drawn[~np.isnan(drawn)]
    if defined.size * 2 <= drawn.size:
        return without_limits(estimate, [estimate])
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(estimate, float(low), float(high), n)
