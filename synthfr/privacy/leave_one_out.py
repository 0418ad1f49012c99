"""Interval of the difference between two sides, over patients: each figure is computed again
without each patient (the jackknife).

Most figures here are of a maximum: how much a synthetic report shares with the nearest private one.
A bootstrap draws only 63 % of the patients, so that every maximum falls and the interval lies
beside the figure. Leaving one patient out costs almost nothing: where the nearest report is of that
patient, the next one takes its place. The variance is on average too large rather than too small
(Efron and Stein 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.stats import CONFIDENCE, Interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A figure of one side.

    Attributes:
        value: with all patients.
        without: with all but this one, of each patient of the side, shape (n_patients,).
    """

    value: float
    without: Floats

    @property
    def variance(self) -> float:
        """(n - 1) / n of the summed squares from their mean (Tukey 1958)."""
        n = len(self.without)
        return float((n - 1) / n * ((self.without - self.without.mean()) ** 2).sum())


def difference(train: Figure, holdout: Figure) -> Interval:
    """Train minus holdout; the patients of the two sides are different ones, so variances add."""
    n = len(train.without) + len(holdout.without)
    return limits(train.value - holdout.value, train.variance + holdout.variance, n)


def limits(mean: float, variance: float, n: int) -> Interval:
    """Normal interval of a difference over n patients."""
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * sqrt(variance)
    return Interval(mean, mean - half, mean + half, n)


def as_dict(train: Figure, holdout: Figure) -> dict[str, Any]:
    """Numbers for the metrics file."""
    return {
        "train": train.value,
        "holdout": holdout.value,
        "difference": difference(train, holdout).as_dict(),
    }


@dataclass(frozen=True)
class Nearest:
    """How near each synthetic report comes to the private reports of one side.

    Attributes:
        first: to the nearest one, shape (n_reports,).
        patient: whose that one is, counted from 0 within the side; -1 where there is none.
        second: to the nearest one of any other patient.
        n_patients: of the side.
    """

    first: Floats
    patient: NDArray[np.int64]
    second: Floats
    n_patients: int

    def mean(self) -> Figure:
        """Mean over synthetic reports."""
        fall = (self.first - self.second) / len(self.first)
        value = float(self.first.mean())
        known = self.patient >= 0
        falls = np.bincount(self.patient[known], fall[known], minlength=self.n_patients)
        return Figure(value, np.asarray(value - falls, dtype=np.float64))

    def mean_of_highest(self, n: int) -> Figure:
        """Mean of the n highest (of all, where there are fewer)."""
        n = min(n, len(self.first))
        highest = np.argpartition(-self.first, n - 1)[:n]
        value = float(self.first[highest].mean())
        without: Floats = np.full(self.n_patients, value, dtype=np.float64)
        for patient in np.unique(self.patient[highest]):
            if patient >= 0:
                left = np.where(self.patient == patient, self.second, self.first)
                without[patient] = -np.partition(-left, n - 1)[:n].mean()
        return Figure(value, without)
