"""Intervals: how sure a number is, given the seeds or documents that it rests on; and p values of
several tests, corrected together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
FEWEST = 3  # values that an interval of their mean takes


@dataclass(frozen=True)
class Interval:
    """A mean (or other estimate) with its confidence limits; both are NaN where n is too small to
    tell: then `values` are what there is.
    """

    mean: float
    low: float
    high: float
    n: int
    values: tuple[float, ...] = ()  # all n of them, where there are no limits

    def as_dict(self) -> dict[str, float]:
        """``{"mean", "low", "high"}``; of two values ``{"mean", "min", "max"}``, of one the mean
        alone.
        """
        if not isnan(self.low):
            return {"mean": self.mean, "low": self.low, "high": self.high}
        spread = {"min": min(self.values), "max": max(self.values)} if len(self.values) > 1 else {}
        return {"mean": self.mean, **spread}


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Mean of n independent values (seeds) with its Student t interval: m ± t(n-1) s / √n, s with
    n-1 (Student 1908).

    Below three values there is no interval: of two, t is 12.7, and the limits say nothing of the
    values. Values: shape (n,), n >= 1; an empty sample is a ValueError.
    """
    import numpy as np
    from scipy.special import stdtrit

    sample = _sample(values)
    mean = float(sample.mean())
    n = sample.size
    if n < FEWEST:
        return without_limits(mean, sample.tolist())
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * sample.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def without_limits(mean: float, values: Sequence[float]) -> Interval:
    """Of too few values for an interval."""
    return Interval(mean, float("nan"), float("nan"), len(values), tuple(values))


def paired_difference(
    after: ArrayLike, before: ArrayLike, confidence: float = CONFIDENCE
) -> Interval:
    """Student t interval of the mean of ``after[i] - before[i]``; position i is the same seed or
    document in both.

    Samples of different lengths are a ValueError.
    """
    one, other = _sample(after), _sample(before)
    if one.size != other.size:
        raise ValueError(f"pairs are missing: {one.size} values after, {other.size} before")
    return mean_interval(one - other, confidence)


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson score interval of a share (Wilson 1927): honest also at 0 of n and n of n. `n` < 1
    is a ValueError.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} is no share")
    from scipy.stats import binomtest

    limits = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(limits.low), float(limits.high), n)


def clustered_wilson(
    successes: NDArray[np.bool_], owners: NDArray[np.int64], confidence: float = CONFIDENCE
) -> Interval:
    """Wilson score interval of a share of documents, those of one patient alike: of the effective
    number n* of documents, not of their number n (Korn & Graubard 1998; Wilson's interval of n* is
    good for clusters: Dean & Pagano 2015).

    n* = n · (variance of the share of n documents drawn singly / its variance between the G
    patients) · (t(n-1) / t(G-1))², never above n. The share's variance between patients is
    G / (G - 1) · Σ (h - p m)² / n², of patients with m documents, h of them successes. At 0 and at
    n of n successes this is 0 and tells nothing: n* is then the number of patients, as if all
    documents of a patient were one. Where each patient has one document, it is `wilson`.

    Args:
        successes: shape (n,), n >= 1.
        owners: a number for the patient of each document, from 0 up without a gap, shape (n,).

    The interval's n is the number of documents.
    """
    import numpy as np
    from scipy.special import ndtri, stdtrit

    n, patients, hits = len(successes), int(owners.max(initial=-1)) + 1, int(successes.sum())
    if patients == n:
        return wilson(hits, n, confidence)
    share, effective = hits / n, float(patients)
    if 0 < hits < n and patients > 1:
        of_patients = np.bincount(owners, weights=successes) - share * np.bincount(owners)
        between = patients / (patients - 1) * float((of_patients**2).sum()) / n**2
        level = (1 + confidence) / 2
        freedom = (stdtrit(n - 1, level) / stdtrit(patients - 1, level)) ** 2
        singly = share * (1 - share) / (n - 1)
        effective = min(n, n * singly / between * freedom) if between > 0 else n
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    centre = (share + z2 / (2 * effective)) / (1 + z2 / effective)
    half = (z2 * (share * (1 - share) / effective + z2 / (4 * effective**2))) ** 0.5
    half /= 1 + z2 / effective
    low = 0.0 if hits == 0 else centre - half
    return Interval(share, low, 1.0 if hits == n else centre + half, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: the smallest of m times m, the next times m - 1, and
    so on, none below one before it (Holm 1979).
    """
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def _sample(values: ArrayLike) -> NDArray[np.float64]:
    import numpy as np

    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size == 0:
        raise ValueError(
            f"an interval wants a list of at least one number, not shape {sample.shape}"
        )
    return sample
