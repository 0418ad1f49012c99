"""Multi-label metrics, one small named function each.

`truth` and `predicted` are boolean arrays of shape (n_documents, n_labels); `scores` are floats of
the same shape, higher means more likely. Where a ratio is 0/0 the value is 0, as in scikit-learn
with ``zero_division=0``, unless said otherwise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def counts(truth: Bools, predicted: Bools) -> tuple[Floats, Floats, Floats]:
    """True positives, false positives and false negatives of each label, shape (n_labels,) each."""
    hits = (truth & predicted).sum(axis=0).astype(np.float64)
    return hits, predicted.sum(axis=0) - hits, truth.sum(axis=0) - hits


def macro_f1(truth: Bools, predicted: Bools) -> float:
    """Mean over labels of F1 = 2TP / (2TP + FP + FN); a label without any TP, FP and FN counts
    0.
    """
    return float(label_f1(truth, predicted).mean())


def label_f1(truth: Bools, predicted: Bools) -> Floats:
    """F1 of each label, shape (n_labels,)."""
    hits, false, missed = counts(truth, predicted)
    return _ratio(2 * hits, 2 * hits + false + missed)


def macro_precision(truth: Bools, predicted: Bools) -> float:
    """Mean over labels of TP / (TP + FP)."""
    hits, false, _ = counts(truth, predicted)
    return float(_ratio(hits, hits + false).mean())


def macro_recall(truth: Bools, predicted: Bools) -> float:
    """Mean over labels of TP / (TP + FN)."""
    hits, _, missed = counts(truth, predicted)
    return float(_ratio(hits, hits + missed).mean())


def micro_f1(truth: Bools, predicted: Bools) -> float:
    """F1 of all (document, label) cells pooled."""
    hits, false, missed = (part.sum() for part in counts(truth, predicted))
    return float(_ratio(2 * hits, 2 * hits + false + missed))


def micro_precision(truth: Bools, predicted: Bools) -> float:
    """TP / (TP + FP) of all cells pooled."""
    hits, false, _ = (part.sum() for part in counts(truth, predicted))
    return float(_ratio(hits, hits + false))


def micro_recall(truth: Bools, predicted: Bools) -> float:
    """TP / (TP + FN) of all cells pooled."""
    hits, _, missed = (part.sum() for part in counts(truth, predicted))
    return float(_ratio(hits, hits + missed))


def hamming_loss(truth: Bools, predicted: Bools) -> float:
    """Share of (document, label) cells that are wrong."""
    return float((truth != predicted).mean())


def sample_jaccard(truth: Bools, predicted: Bools) -> float:
    """Mean over documents of |true ∩ predicted| / |true ∪ predicted|; two empty sets agree: 1."""
    either = (truth | predicted).sum(axis=1)
    both = (truth & predicted).sum(axis=1)
    return float(np.where(either == 0, 1.0, _ratio(both, either)).mean())


def mean_average_precision(truth: Bools, scores: Floats) -> float:
    """mAP: mean, over labels that occur in `truth`, of the average precision of their ranking of
    documents.

    AP = Σ (R_i - R_(i-1)) P_i over the distinct score values, from high to low (scikit-learn's
    definition, no interpolation: tied documents enter together). NaN when no label occurs.
    """
    occurring = np.flatnonzero(truth.any(axis=0))
    if occurring.size == 0:
        return float("nan")
    return float(
        np.mean([average_precision(truth[:, label], scores[:, label]) for label in occurring])
    )


def average_precision(truth: Bools, scores: Floats) -> float:
    """Average precision of one label with at least one positive; `truth`, `scores`: shape
    (n_documents,).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    hits = np.cumsum(truth[order])[last_of_tie]
    precision = hits / (np.flatnonzero(last_of_tie) + 1)
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float((gained * precision).sum())


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


def of_decisions(truth: Bools, predicted: Bools) -> dict[str, float]:
    """Every metric of yes/no decisions, by name."""
    metrics = (
        macro_f1,
        macro_precision,
        macro_recall,
        micro_f1,
        micro_precision,
        micro_recall,
        hamming_loss,
        sample_jaccard,
    )
    return {metric.__name__: metric(truth, predicted) for metric in metrics}


def of_rankings(truth: Bools, scores: Floats) -> dict[str, float]:
    """Every metric that needs no threshold, by name."""
    return {
        "map": mean_average_precision(truth, scores),
        "f1_at_3": f1_at(3, truth, scores),
        "f1_at_5": f1_at(5, truth, scores),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
