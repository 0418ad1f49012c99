"""Scores that mean a probability: log-odds fitted on reports that were not trained on.

Of each label by itself where the validation reports have enough of it, else by one fit over all
labels together. Platt's fit is a line, with his smoothed targets (Platt 1999: (n+ + 1) / (n+ + 2)
and 1 / (n- + 2)), and keeps a label's ranking; the isotonic one is a staircase, which fits any
shape and makes scores of one step equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from synthfr.coding.metrics import Bools, Floats

Method = Literal["none", "platt", "isotonic"]
ENOUGH = 5  # validation reports with a label, and without it, for a fit of its own
_Fit = Callable[[Floats], Floats]  # scores to log-odds


def calibrated(
    scores: Floats, validation_scores: Floats, validation_truth: Bools, method: Method
) -> Floats:
    """Log-odds for `scores`, shape (n, n_labels), by what the validation reports show.

    A label whose scores are infinite stays as it is, and so does everything where the validation
    reports have no label, or no report without one.
    """
    found = scores.copy()
    finite = np.isfinite(validation_scores).all(axis=0) & np.isfinite(scores).all(axis=0)
    pooled = validation_truth[:, finite].ravel()
    if method == "none" or pooled.all() or not pooled.any():
        return found
    fitted = _FITS[method]
    left = []
    for label in np.flatnonzero(finite):
        truth = validation_truth[:, label]
        enough = min(truth.sum(), (~truth).sum()) >= ENOUGH
        fit = fitted(validation_scores[:, label], truth) if enough else None
        if fit is None:
            left.append(label)
        else:
            found[:, label] = fit(scores[:, label])
    together = fitted(validation_scores[:, finite].ravel(), pooled) if left else None
    if together is not None:
        found[:, left] = together(scores[:, left].ravel()).reshape(len(scores), -1)
    return found


def _platt(scores: Floats, truth: Bools) -> _Fit | None:
    """None where higher scores are no likelier: a falling line would turn the ranking round."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    positives, negatives = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    line = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    # a soft target is both classes, weighted
    standard = ((scores - centre) / spread)[:, None]
    line.fit(
        np.vstack([standard, standard]),
        np.repeat([True, False], len(scores)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope <= 0:
        return None

    def log_odds(values: Floats) -> Floats:
        return np.asarray(slope * (values - centre) / spread + intercept)

    return log_odds


def _isotonic(scores: Floats, truth: Bools) -> _Fit | None:
    from sklearn.isotonic import IsotonicRegression

    # no probability of 0 or 1 from so few reports: as if one more of each class had been seen
    least = 1 / (len(scores) + 2)
    steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    steps.fit(scores, truth.astype(np.float64))

    def log_odds(values: Floats) -> Floats:
        probability = np.asarray(steps.predict(values))
        return np.asarray(np.log(probability) - np.log1p(-probability))

    return log_odds


_FITS = {"platt": _platt, "isotonic": _isotonic}
