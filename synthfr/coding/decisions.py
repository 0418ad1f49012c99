"""From scores to codes: the decision rules.

None sees a true code of a holdout report: what is fitted is fitted on what the coder learns from
(a step's synthetic reports, a reference's own; in a mixture on the private ones).
``fixed_threshold`` is fitted on nothing; ``prevalence_matched`` ranks the reports that are judged
together, and so cannot code a single one.

The rule that counts is a parameter, fixed before any result is seen; the others are reported beside
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from synthfr.coding.metrics import Bools, Floats, top_labels

Rule = Literal[
    "global_threshold",
    "fixed_threshold",
    "top_k_mean",
    "prevalence_matched",
    "micro_threshold",
    "per_label_threshold",
]
RULES: tuple[Rule, ...] = get_args(Rule)
ORIGINAL_RULE = "fixed_threshold"
# a threshold fitted to fewer reports with a label follows chance: it is the best of a handful
FEWEST_FOR_A_THRESHOLD = 10
EVEN_ODDS = 0.0  # a coder's score is a signed distance or log-odds: 0 is a probability of one half
_CELLS = 1 << 20  # sorted at once: 8 MiB, some times over
_DENSITIES = np.geomspace(
    0.25, 4.0, 49
)  # thresholds tried, as multiples of the training set's labels a document


@dataclass(frozen=True)
class Fitted:
    """What the rules learnt: the threshold best for macro-F1, labels a document, each label's share
    of documents, the threshold best for micro-F1, and one best for each label's own F1, NaN for a
    label that has none of its own; shapes (n_labels,).
    """

    threshold: float
    labels_per_document: int
    prevalence: Floats
    micro_threshold: float
    label_thresholds: Floats

    @property
    def own_thresholds(self) -> int:
        """Labels that have one of their own; the others take `threshold`."""
        return int(np.isfinite(self.label_thresholds).sum())


def fit(train_truth: Bools, validation_truth: Bools, validation_scores: Floats) -> Fitted:
    """Fit all rules: the thresholds on the validation part, the rest on the training part (both
    synthetic).
    """
    pooled = best_thresholds(validation_truth.reshape(-1, 1), validation_scores.reshape(-1, 1))
    of_labels = best_thresholds(validation_truth, validation_scores)
    rare = validation_truth.sum(axis=0) < FEWEST_FOR_A_THRESHOLD
    return Fitted(
        threshold=tune_threshold(validation_truth, validation_scores, float(train_truth.mean())),
        labels_per_document=max(1, round(float(train_truth.sum(axis=1).mean()))),
        prevalence=train_truth.mean(axis=0),
        micro_threshold=float(np.nan_to_num(pooled[0], nan=EVEN_ODDS)),
        label_thresholds=np.where(rare, np.nan, of_labels),
    )


def decide(rule: str, scores: Floats, fitted: Fitted) -> Bools:
    """Codes of each document, shape as `scores` (n_documents, n_labels).

    * ``global_threshold``: score above the one threshold tuned for macro-F1;
    * ``fixed_threshold``: probability above one half (the original's rule);
    * ``top_k_mean``: the k best-scored labels, k = mean labels a training document, rounded;
    * ``prevalence_matched``: of each label, as large a share of the documents at hand as in
      training. It ranks the documents at hand against each other, by their scores and never by
      their labels;
    * ``micro_threshold``: score above the one threshold with the best micro-F1 (Edin et al. 2023,
      the companion study);
    * ``per_label_threshold``: score above the label's own threshold, with the best F1 of that
      label. A label that fewer than `FEWEST_FOR_A_THRESHOLD` validation documents have takes the
      threshold of ``global_threshold``.
    """
    match rule:
        case "global_threshold":
            return np.asarray(scores > fitted.threshold)
        case "fixed_threshold":
            return np.asarray(scores > EVEN_ODDS)
        case "top_k_mean":
            return top_labels(scores, fitted.labels_per_document)
        case "prevalence_matched":
            return _most_likely(scores, fitted.prevalence)
        case "micro_threshold":
            return np.asarray(scores > fitted.micro_threshold)
        case "per_label_threshold":
            own = fitted.label_thresholds
            return np.asarray(scores > np.where(np.isnan(own), fitted.threshold, own))
    raise ValueError(f"no decision rule {rule!r}")


def tune_threshold(truth: Bools, scores: Floats, density: float) -> float:
    """The threshold with the best macro-F1 on (`truth`, `scores`).

    Tried are those that predict from a quarter to four times as many labels a document as `density`
    (the share of true cells in training), a range that fits label spaces of any size. Of equally
    good ones, the one nearest to `density`.
    """
    if scores.shape[0] == 0:  # few reports, and the original's rule has dropped all of them
        return EVEN_ODDS
    ranked = np.sort(scores, axis=None)[::-1]
    nearest_first = _DENSITIES[np.argsort(np.abs(np.log(_DENSITIES)), kind="stable")]
    predicted_cells = np.clip(
        np.round(nearest_first * density * ranked.size).astype(int), 1, ranked.size - 1
    )
    best, best_f1 = EVEN_ODDS, -1.0
    positives = truth.sum(axis=0)
    for cells in dict.fromkeys(predicted_cells.tolist()):
        threshold = float((ranked[cells - 1] + ranked[cells]) / 2)
        if not np.isfinite(
            threshold
        ):  # among labels that training never saw: nothing to tell apart
            continue
        predicted = scores > threshold
        # macro-F1; scikit-learn's, tried 49 times a coder, would take longer than to train it
        hits = (predicted & truth).sum(axis=0)
        either = predicted.sum(axis=0) + positives
        f1 = float(np.divide(2 * hits, either, out=np.zeros(len(either)), where=either > 0).mean())
        if f1 > best_f1:
            best, best_f1 = threshold, f1
    return best


def best_thresholds(truth: Bools, scores: Floats) -> Floats:
    """The threshold with the best F1 of each column, shape (n_columns,), of all that lie midway
    between two scores of that column, and one that gives the label to every row with a finite
    score; of equally good ones the highest.

    NaN where there is none: no true cell, or no two finite scores that differ. Pass all cells as
    one column for the best micro-F1.
    """
    n_rows, n_columns = scores.shape
    if n_rows < 2:
        return np.full(n_columns, np.nan)
    at_once = max(1, _CELLS // n_rows)
    starts = range(0, n_columns, at_once)
    blocks = [np.s_[:, start : start + at_once] for start in starts]
    return np.concatenate([np.zeros(0), *(_best(truth[one].T, scores[one].T) for one in blocks)])


def _best(truth: Bools, scores: Floats) -> Floats:
    """`best_thresholds` of each row, shape (n_rows,)."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    hits = np.take_along_axis(truth, order, axis=1).cumsum(axis=1)
    nexts = np.hstack([ranked[:, 1:], np.full((len(ranked), 1), -np.inf)])
    finite = np.isfinite(ranked)
    highest = np.where(finite, ranked, -np.inf).max(axis=1, keepdims=True)
    lowest = np.where(finite, ranked, np.inf).min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # midway between two infinities
        midway = (ranked + nexts) / 2
        # as far below all as the highest is above the lowest: other documents score lower, too
        below = 2 * lowest - highest
    # rounding may put it on the upper score, which must stay above
    cuts = np.where(midway < ranked, midway, nexts)
    cuts = np.where(finite & (nexts == -np.inf), below, cuts)
    f1 = 2 * hits / (np.arange(1, scores.shape[1] + 1) + hits[:, -1:])
    f1[(ranked == nexts) | ~np.isfinite(cuts)] = 0.0
    found = np.take_along_axis(cuts, f1.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where((lowest < highest)[:, 0] & (f1.max(axis=1) > 0), found, np.nan)


def _most_likely(scores: Floats, prevalence: Floats) -> Bools:
    """The best-scored documents of each label, as many as its prevalence asks for, at least one
    if it has any.
    """
    n = len(scores)
    wanted = np.where(prevalence > 0, np.maximum(1, np.round(prevalence * n)), 0).astype(int)
    place = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(place < wanted)
