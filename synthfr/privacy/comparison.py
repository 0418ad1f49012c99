"""Is a figure higher for train than for holdout by more than chance? Over private patients.

Two samples of private reports also differ by chance, so the private side is drawn again: the
interval is a bootstrap of the patients of each side, the p value a permutation of the patients
between the sides. The synthetic texts are taken as given: they are what leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy.sides import Sides
from synthfr.stats import CONFIDENCE, Interval

Floats = NDArray[np.float64]
# figure of a side, given how often each private report counts: weights of shape (n_reports,
# n_draws) -> shape (n_draws,)
Statistic = Callable[[Floats], Floats]
# figure of train against holdout, given the weights of either -> shape (n_draws,)
Contrast = Callable[[Floats, Floats], Floats]

BOOTSTRAPS = 1_000
PERMUTATIONS = 1_999  # the smallest p value is 1 / (PERMUTATIONS + 1)
COARSE_PERMUTATIONS = 999  # see `coarse`
_TOGETHER = 250  # draws held in memory at once
# bootstraps and permutations at most: see `coarse`
_most_draws: ContextVar[tuple[int, int]] = ContextVar("draws", default=(BOOTSTRAPS, PERMUTATIONS))
_KEPT = 16  # parts of draws: those of one pair of sides


@dataclass(frozen=True)
class Compared:
    """A figure of either side, the difference with its interval over patients, and the one-sided p
    value of "train is no higher than holdout".
    """

    train: float
    holdout: float
    difference: Interval
    p_value: float


def compare(sides: Sides, statistic: Statistic, random_seed: int) -> Compared:
    """A `statistic` of each side and their difference."""
    used, unused = side_weights(sides)
    difference, p_value = contrast(
        sides, lambda one, other: statistic(one) - statistic(other), random_seed
    )
    return Compared(float(statistic(used)[0]), float(statistic(unused)[0]), difference, p_value)


def contrast(
    sides: Sides,
    of: Contrast,
    random_seed: int,
    *,
    permutations: int = PERMUTATIONS,
) -> tuple[Interval, float]:
    """A figure that needs both sides at once (an AUC), its percentile interval (Efron 1979) and
    its p value: (1 + permutations that reach it) / (1 + permutations) (Phipson and Smyth 2010).
    """
    observed = float(of(*side_weights(sides))[0])
    low, high = limits(resampled(sides, of, random_seed))
    p_value = chance(sides, of, random_seed, permutations)
    return Interval(observed, float(low), float(high), sides.n_patients), p_value


def resampled(sides: Sides, of: Contrast, random_seed: int) -> Floats:
    """A figure over patients of each side drawn again, shape (..., n_draws)."""
    most, _ = _most_draws.get()
    parts = [
        of(*_resampled(sides, size, random_seed, part))
        for part, size in enumerate(_parts(min(BOOTSTRAPS, most)))
    ]
    return np.concatenate(parts, axis=-1)


def limits(spread: Floats) -> Floats:
    """Percentile limits of figures drawn again, shape (..., n_draws) -> (2, ...)."""
    return np.asarray(np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=-1))


def chance(sides: Sides, of: Contrast, random_seed: int, permutations: int = PERMUTATIONS) -> float:
    """p value of a figure that is higher the more train differs from holdout."""
    observed = float(of(*side_weights(sides))[0])
    _, most = _most_draws.get()
    permutations = min(permutations, most)
    by_chance = np.concatenate(
        [
            of(*_permuted(sides, size, random_seed, part))
            for part, size in enumerate(_parts(permutations))
        ]
    )
    # equal but for rounding counts as reached
    reached = int((by_chance >= observed - 1e-12 * max(1.0, abs(observed))).sum())
    return (1 + reached) / (1 + permutations)


def mean_of(values: NDArray[np.float64]) -> Statistic:
    """Statistic: weighted mean of a value of each private report, shape (n_reports,)."""

    def mean(weights: Floats) -> Floats:
        return np.asarray(values @ weights / weights.sum(axis=0))

    return mean


def auc_of(scores: NDArray[np.float64]) -> Contrast:
    """Contrast: probability that a train report has the higher score than a holdout report, ties
    counting half; .5 is chance. `scores`: shape (n_reports,).
    """
    by_level = _by_level(scores)
    order = np.sort(scores)
    # with ties at their mean
    ranks = (np.searchsorted(order, scores) + np.searchsorted(order, scores, "right") + 1) / 2

    def auc(used: Floats, unused: Floats) -> Floats:
        if (used + unused == 1).all():  # each report once: Mann and Whitney's U, ten times as fast
            n, m = used.sum(axis=0), unused.sum(axis=0)
            return np.asarray((ranks @ used - n * (n + 1) / 2) / (n * m))
        found, false = by_level(used), by_level(unused)
        below = np.cumsum(false, axis=0) - false / 2
        return np.asarray((found * below).sum(axis=0) / (found.sum(axis=0) * false.sum(axis=0)))

    return auc


def tpr_of(scores: NDArray[np.float64], fpr: float = 0.01) -> Contrast:
    """Contrast: the largest share of train reports found by a threshold on `scores` (shape
    (n_reports,)) that takes at most a share `fpr` of the holdout reports.
    """
    by_level = _by_level(-scores)

    def tpr(used: Floats, unused: Floats) -> Floats:
        found, false = (np.cumsum(by_level(one), axis=0) for one in (used, unused))
        allowed = false <= fpr * false[-1] + 1e-9
        return np.asarray(np.where(allowed, found / found[-1], 0.0).max(axis=0))

    return tpr


def side_weights(sides: Sides) -> tuple[Floats, Floats]:
    """Each report of its own side once, shape (n_reports, 1)."""
    used = sides.is_train[:, None].astype(np.float64)
    return used, 1 - used


def _by_level(scores: NDArray[np.float64]) -> Callable[[Floats], Floats]:
    """Sums weights, shape (n_reports, n_draws), over equal scores, lowest first."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))

    def summed(weights: Floats) -> Floats:
        return np.asarray(np.add.reduceat(weights[order], starts, axis=0))

    return summed


def _parts(draws: int) -> list[int]:
    return [min(_TOGETHER, draws - start) for start in range(0, draws, _TOGETHER)]


def _resampled(sides: Sides, draws: int, random_seed: int, part: int) -> tuple[Floats, Floats]:
    """Patients of each side drawn again with replacement."""
    times = _times_drawn(sides.n_patients, sides.train_patients, draws, random_seed, part)
    weights = times[sides.patients].astype(np.float64)
    return weights * sides.is_train[:, None], weights * ~sides.is_train[:, None]


def _permuted(sides: Sides, draws: int, random_seed: int, part: int) -> tuple[Floats, Floats]:
    """As many patients as train has, drawn from both sides, against the rest."""
    taken = _taken(sides.n_patients, sides.train_patients, draws, random_seed, part)
    weights = taken[sides.patients].astype(np.float64)
    return weights, 1 - weights


@contextmanager
def coarse() -> Iterator[None]:
    """Within it findings are for the question alone whether something leaks: p values of fewer
    permutations (`COARSE_PERMUTATIONS`), and intervals that mean nothing. Three times as fast.
    """
    token = _most_draws.set((1, COARSE_PERMUTATIONS))
    try:
        yield
    finally:
        _most_draws.reset(token)


# The draws are the same for every figure of the same sides, and detection limits ask for hundreds
# of figures: they are kept, in the smallest type that holds them.


@lru_cache(maxsize=_KEPT)
def _times_drawn(
    n_patients: int, train_patients: int, draws: int, random_seed: int, part: int
) -> NDArray[np.uint16]:
    """How often each patient was drawn within its side, shape (n_patients, draws)."""
    rng = seeding.rng(random_seed, "bootstrap of patients", part)
    times = np.zeros((n_patients, draws), dtype=np.uint16)
    for start, stop in ((0, train_patients), (train_patients, n_patients)):
        size = stop - start
        times[start:stop] = rng.multinomial(size, np.full(size, 1 / size), size=draws).T
    return times


@lru_cache(maxsize=_KEPT)
def _taken(
    n_patients: int, train_patients: int, draws: int, random_seed: int, part: int
) -> NDArray[np.bool_]:
    """Whether each patient was drawn for train, shape (n_patients, draws)."""
    rng = seeding.rng(random_seed, "permutation of patients", part)
    order = rng.random((n_patients, draws)).argsort(axis=0)
    return np.asarray(order < train_patients)
