"""The bootstrap over patients and coder seeds: how far a figure would move with other patients of
the same kind, and other seeds.

What is drawn is a patient, with all documents: those of one patient are alike, and tell less than
as many documents of different ones. A patient of one document each is the plain bootstrap.

A figure's own limits (`crossed`) are percentiles, wider where patients are few: patients are drawn
anew once for all seeds, because every seed's coder judges the same documents; seeds are drawn anew
beside them, and both draws are crossed (Owen 2007, "The pigeonhole bootstrap"). Of S seeds S - 1
are drawn (Rao & Wu 1988): S drawn of S would show a spread too small by (S - 1) / S, a third where
there are three. One seed is not drawn at all, and the limits then hold for that one coder.

A difference (`crossed_difference`) is tested with Student's t instead, because percentiles know
nothing of how badly three seeds show their spread: its variance is that of P patients (by the
bootstrap, times P / (P - 1)) plus that of the seeds over S, with Satterthwaite's (1946) degrees of
freedom, which are S - 1 where seeds alone count and P - 1 where patients do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthfr.stats import CONFIDENCE, Interval, without_limits

Array = NDArray[np.float64]
# a number for the patient of each document, from 0 up without a gap, shape (n_documents,)
Owners = NDArray[np.int64]
Weights = NDArray[np.float32]  # whole numbers, below 2^24: float32 adds them exactly
# how often each document is in a draw, shape (n_draws, n_documents) -> the figure of each draw,
# shape (n_draws,), NaN where it is not defined
Statistic = Callable[[Weights], Array]

LIMITS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
DRAWS = 2000  # a p value of 5 % is then known to within 0.7 % (one standard error)
_CELLS = 1 << 21  # weights held at once: 8 MiB


@dataclass(frozen=True)
class Difference:
    """A difference with its limits, and the two-sided p value of there being none."""

    interval: Interval
    p_value: float


def crossed(
    of_seeds: Sequence[Statistic],
    owners: Owners,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Interval:
    """A figure's mean over seeds with its percentile limits; `of_seeds`: of each seed's coder.

    Without limits where there are fewer than two patients, or where the figure is not defined for
    half of the draws. The interval's n is the number of patients.
    """
    seeds = len(of_seeds)
    chosen = rng.integers(0, seeds, size=(draws, max(1, seeds - 1)))
    as_they_are, figures = _figures(of_seeds, None, owners, rng, draws)
    drawn = np.take_along_axis(figures, chosen, axis=1).mean(axis=1)
    return percentile_interval(float(as_they_are.mean()), drawn, n_patients(owners))


def crossed_difference(
    after: Sequence[Statistic],
    before: Sequence[Statistic],
    owners: Owners,
    rng: np.random.Generator,
    draws: int = DRAWS,
) -> Difference:
    """How much higher a figure is `after` than `before`, of the same documents; position i is the
    same seed in both (else ValueError).

    Estimate ± t · √(V_p + V_s): V_p is P / (P - 1) times the variance over draws of the P patients
    of the mean over seeds, V_s = s² / S of the S seeds' differences on the documents as they are, t
    with (V_p + V_s)² / (V_p² / (P - 1) + V_s² / (S - 1)) degrees of freedom. Of one seed the limits
    are of that coder alone, and the p value is NaN; so are both where the figure is not defined for
    half of the draws.
    """
    if len(after) != len(before):
        raise ValueError(f"pairs are missing: {len(after)} seeds after, {len(before)} before")
    as_they_are, drawn = _figures(after, before, owners, rng, draws)
    estimate, seeds = float(as_they_are.mean()), len(after)
    means = drawn.mean(axis=1)
    defined = means[~np.isnan(means)]
    if defined.size * 2 <= means.size:
        return Difference(without_limits(estimate, [estimate]), float("nan"))
    of_patients = float(defined.var(ddof=1))
    of_seeds = float(as_they_are.var(ddof=1)) / seeds if seeds > 1 else 0.0
    n = n_patients(owners)
    half, p_value = student(estimate, (of_patients, n), (of_seeds, seeds))
    interval = Interval(estimate, estimate - half, estimate + half, n)
    return Difference(interval, p_value if seeds > 1 else float("nan"))


def student(
    estimate: float, of_patients: tuple[float, int], of_seeds: tuple[float, int]
) -> tuple[float, float]:
    """Half the interval of an estimate, and the two-sided p value of its being zero, from two parts
    of its variance, each with the number of what was drawn for it: `of_patients` by the bootstrap,
    which comes out too small by (P - 1) / P, and `of_seeds`. Degrees of freedom by Satterthwaite
    (1946). A part that is 0 may have any number.
    """
    from scipy.special import stdtr, stdtrit

    variance, patients = of_patients
    if variance > 0:
        of_patients = variance * patients / (patients - 1), patients
    whole = of_patients[0] + of_seeds[0]
    if whole == 0:
        return 0.0, 1.0 if estimate == 0 else 0.0
    parts = [(part, n) for part, n in (of_patients, of_seeds) if part > 0]
    freedom = whole**2 / sum(part**2 / (n - 1) for part, n in parts)
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(whole))
    return half, min(1.0, float(2 * stdtr(freedom, -abs(estimate) / np.sqrt(whole))))


def document_weights(n: int, rng: np.random.Generator, draws: int) -> Iterator[Weights]:
    """How often each of `n` documents is among n drawn with replacement, each of a patient of its
    own: blocks of shape (some draws, n).
    """
    return patient_weights(np.arange(n), rng, draws)


def patient_weights(owners: Owners, rng: np.random.Generator, draws: int) -> Iterator[Weights]:
    """How often each document is in a draw of as many patients as there are, with replacement, all
    documents of a patient with it: blocks of shape (some draws, n_documents).
    """
    n = n_patients(owners)
    at_once = max(1, _CELLS // max(1, len(owners)))
    for start in range(0, draws, at_once):
        block = min(at_once, draws - start)
        places = rng.integers(0, n, size=(block, n)) + np.arange(block)[:, None] * n
        counts = np.bincount(places.ravel(), minlength=block * n)
        yield np.take(counts.reshape(block, n).astype(np.float32), owners, axis=1)


def n_patients(owners: Owners) -> int:
    """How many there are."""
    return int(owners.max(initial=-1)) + 1


def _figures(
    after: Sequence[Statistic],
    before: Sequence[Statistic] | None,
    owners: Owners,
    rng: np.random.Generator,
    draws: int,
) -> tuple[Array, Array]:
    """The figure (or difference) by seed of the documents as they are, shape (n_seeds,), and of
    each draw of patients, shape (draws, n_seeds).
    """

    def of_each_seed(weights: Weights) -> Array:
        figures = np.stack([statistic(weights) for statistic in after], axis=1)
        if before is not None:
            figures = figures - np.stack([statistic(weights) for statistic in before], axis=1)
        return np.asarray(figures, dtype=np.float64)

    as_they_are = of_each_seed(np.ones((1, len(owners)), dtype=np.float32))[0]
    if n_patients(owners) < 2:
        return as_they_are, np.full((draws, len(after)), np.nan)
    blocks = [of_each_seed(some) for some in patient_weights(owners, rng, draws)]
    return as_they_are, np.concatenate(blocks)


def percentile_interval(estimate: float, drawn: Array, n: int) -> Interval:
    """The estimate between the percentiles of its drawn values, those that are not defined (NaN)
    left out; `n`: of what was drawn, patients or codes. Without limits where no more than half are
    defined, or n is below 2.

    Plain percentiles (Efron 1979) are too near where n is small. These are farther out, by as much
    as Student's t with n - 1 degrees of freedom and s² for s² (n - 1) / n are than the normal
    distribution (the expanded percentile interval of Hesterberg 2015, "What teachers should know
    about the bootstrap"): .0248 and .9752 of 800, .0108 and .9892 of 12.
    """
    from scipy.special import ndtr, stdtrit

    defined = drawn[~np.isnan(drawn)]
    if defined.size * 2 <= drawn.size or n < 2:
        return without_limits(estimate, [estimate])
    tail = float(ndtr(stdtrit(n - 1, LIMITS[0]) * np.sqrt(n / (n - 1))))
    low, high = np.quantile(defined, (tail, 1 - tail))
    return Interval(estimate, float(low), float(high), n)
