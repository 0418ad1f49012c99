"""What an attack on membership has found, from the score that it gives each private report."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy import comparison
from synthfr.privacy.comparison import Floats
from synthfr.privacy.findings import Finding
from synthfr.privacy.sides import Sides
from synthfr.stats import Interval

FALSE_ALARMS = 0.01  # share of the holdout that the headline figure allows


def membership_finding(
    test: str, sides: Sides, scores: NDArray[np.float64], random_seed: int
) -> Finding:
    """Finding of an attack that takes the private reports with the highest `scores`, shape
    (n_reports,), for members.

    `train` is the share of train reports found where at most `FALSE_ALARMS` of the holdout reports
    are taken too (Carlini et al. 2022, arXiv 2112.03570), `holdout` the share that is. The p value
    is of the threshold, whichever it is, at which the sides differ most: a leak of ten reports in a
    thousand shows at the top of the scores alone, a faint one of all reports in the middle.
    """
    curve = Curve(scores)
    figures = curve.figures(*comparison.side_weights(sides))[:, 0]
    low, high = comparison.limits(comparison.resampled(sides, curve.figures, random_seed))
    found, gap, wider, auc = (
        Interval(float(mean), float(least), float(most), sides.n_patients)
        for mean, least, most in zip(figures, low, high, strict=True)
    )
    return Finding(
        test,
        "individualisation",
        train=found.mean,
        holdout=found.mean - gap.mean,
        difference=gap,
        p_value=comparison.chance(sides, curve.widest, random_seed),
        measures={
            "auc": auc.as_dict(),
            "tpr_at_1_percent": found.as_dict(),
            "tpr_at_10_percent": wider.as_dict(),
        },
    )


class Curve:
    """Shares of the train and of the holdout reports whose scores are above each threshold."""

    def __init__(self, scores: NDArray[np.float64]) -> None:
        self._order = np.argsort(-scores, kind="stable")
        self._starts = np.flatnonzero(np.append(True, np.diff(scores[self._order]) < 0))
        # of all thresholds some, each with about a tenth more reports above it
        above = np.append(self._starts[1:], len(scores))
        sizes = 1.1 ** np.arange(np.log(len(scores)) / np.log(1.1))
        self._looked_at = np.unique(np.searchsorted(above, sizes))

    def figures(self, used: Floats, unused: Floats) -> Floats:
        """Of each draw (weights of shapes (n_reports, n_draws)): the share of train found at
        `FALSE_ALARMS`, the same without as many false alarms, the share found at 10 %, and the area
        under the curve; shape (4, n_draws).
        """
        found, false = _shares(self._above(used)), _shares(self._above(unused))
        tpr, fpr = (_last(shares, false, FALSE_ALARMS) for shares in (found, false))
        # ties count half: straight lines between the thresholds
        heights = found - np.diff(found, axis=0, prepend=0) / 2
        area = (np.diff(false, axis=0, prepend=0) * heights).sum(axis=0)
        return np.array([tpr, tpr - fpr, _last(found, false, 0.1), area])

    def widest(self, used: Floats, unused: Floats) -> Floats:
        """Of each draw, the G statistic of the threshold where it is highest: how much likelier the
        numbers above and below it are if more of train than of holdout is above than if the shares
        are equal (a natural logarithm); 0 where no threshold has more of train. Shape (n_draws,).
        """
        from scipy.special import xlogy

        found, false = self._above(used), self._above(unused)
        totals = found[-1], false[-1]
        found, false = found[self._looked_at], false[self._looked_at]
        pooled = (found + false) / (totals[0] + totals[1])
        ratio = np.zeros_like(pooled)
        for above, total in zip((found, false), totals, strict=True):
            share = above / total
            for one, both in ((share, pooled), (1 - share, 1 - pooled)):
                ratio += total * (xlogy(one, one) - xlogy(one, np.where(one > 0, both, 1.0)))
        more = found / totals[0] > false / totals[1]
        return np.asarray(np.where(more, ratio, 0.0).max(axis=0))

    def _above(self, weights: Floats) -> Floats:
        """Sum of the weights above each threshold, the highest first."""
        by_level = np.add.reduceat(weights[self._order], self._starts, axis=0)
        return np.asarray(np.cumsum(by_level, axis=0))


def _shares(above: Floats) -> Floats:
    return np.asarray(above / above[-1])


def _last(shares: Floats, false: Floats, most: float) -> Floats:
    """Shares at the lowest threshold with at most so many false alarms; 0 where none has."""
    allowed = (false <= most + 1e-9).sum(axis=0)
    last = shares[np.maximum(allowed - 1, 0), np.arange(shares.shape[1])]
    return np.where(allowed > 0, last, 0.0)
