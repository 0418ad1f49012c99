"""Multi-label metrics: scikit-learn's, and what it has not.

`truth` and `predicted` are boolean arrays of shape (n_documents, n_labels); `scores` are floats of
the same shape, higher means more likely. Where a ratio is 0/0 the value is 0, unless said
otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def of_decisions(truth: Bools, predicted: Bools) -> dict[str, float]:
    """Every metric of yes/no decisions, by name: precision, recall and F1, macro and micro, and

    * ``hamming_loss``: share of (document, label) cells that are wrong;
    * ``sample_jaccard``: mean over documents of |true ∩ predicted| / |true ∪ predicted|; two empty
      sets agree: 1.
    """
    from sklearn.metrics import hamming_loss, jaccard_score, precision_recall_fscore_support

    found = {}
    for average in ("macro", "micro"):
        precision, recall, fscore, _ = precision_recall_fscore_support(
            **_multilabel(truth, predicted), average=average, zero_division=0
        )
        found[f"{average}_precision"] = float(precision)
        found[f"{average}_recall"] = float(recall)
        found[f"{average}_f1"] = float(fscore)
    found["hamming_loss"] = float(hamming_loss(truth, predicted))
    found["sample_jaccard"] = float(
        jaccard_score(**_multilabel(truth, predicted), average="samples", zero_division=1)
    )
    return found


def f1(truth: Bools, predicted: Bools) -> dict[str, float]:
    """``macro_f1``, the mean over labels (0 for one that no document has, nor is given), and
    ``micro_f1``, of all (document, label) cells pooled.
    """
    from sklearn.metrics import f1_score

    return {
        f"{average}_f1": float(
            f1_score(**_multilabel(truth, predicted), average=average, zero_division=0)
        )
        for average in ("macro", "micro")
    }


def of_rankings(truth: Bools, scores: Floats) -> dict[str, float]:
    """Every metric that needs no threshold, by name."""
    return {
        "map": mean_average_precision(truth, scores),
        "f1_at_3": f1_at(3, truth, scores),
        "f1_at_5": f1_at(5, truth, scores),
    }


def mean_average_precision(truth: Bools, scores: Floats) -> float:
    """mAP: mean, over labels that occur in `truth`, of the average precision of their ranking of
    documents: Σ (R_i - R_(i-1)) P_i over the distinct scores, from high to low.

    Scores may be infinite. NaN when no label occurs.
    """
    from sklearn.metrics import average_precision_score

    occurring = truth.any(axis=0)
    if not occurring.any():
        return float("nan")
    ranked = np.nan_to_num(scores[:, occurring])  # infinities, which are refused, as the largest
    return float(average_precision_score(truth[:, occurring], ranked, average="macro"))


def f1_at(k: int, truth: Bools, scores: Floats) -> float:
    """F1@k: mean over documents of F1 when the `k` highest-scored labels are predicted: 2 hits / (k
    + n_true).

    Documents without a true label are left out (recall is undefined there); NaN when none is left.
    """
    labelled = truth.any(axis=1)
    if not labelled.any():
        return float("nan")
    predicted = top_labels(scores[labelled], k)
    hits = (truth[labelled] & predicted).sum(axis=1)
    return float((2 * hits / (predicted.sum(axis=1) + truth[labelled].sum(axis=1))).mean())


def top_labels(scores: Floats, k: int) -> Bools:
    """The `k` highest-scored labels of each document (all of them when there are fewer); the
    first label wins a tie.
    """
    predicted = np.zeros(scores.shape, dtype=np.bool_)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    np.put_along_axis(predicted, best, True, axis=1)
    return predicted


def _multilabel(truth: Bools, predicted: Bools) -> dict[str, Any]:
    """Arguments of scikit-learn's metrics. It takes a single column for one question with two
    classes, so another stands beside, which `labels` leaves out.
    """
    spare = np.zeros((len(truth), 1), dtype=np.bool_)
    return {
        "y_true": np.hstack([truth, spare]),
        "y_pred": np.hstack([predicted, spare]),
        "labels": range(truth.shape[1]),
    }
