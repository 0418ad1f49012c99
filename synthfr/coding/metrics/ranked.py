"""Metrics of rankings: what needs no threshold.

Mean average precision exists twice. *Per document* (``map_document``: Edin et al. 2023, the
companion study) a document ranks the labels, and every labelled document counts alike. *Per label*
(``map``, this project's) a label ranks the documents, and every label counts alike, as in macro-F1.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from synthfr.coding.metrics.arrays import Bools, Counts, Floats, blocks, mean
from synthfr.coding.metrics.ranks import Ranks, pooled_auc, ranks

DEPTHS = (5, 8, 10, 15)  # k of P@k, R@k and F1@k, as far as there are so many labels
F1_DEPTHS = (3, 5)  # k of F1@k in any label space


def of_rankings(truth: Bools, scores: Floats) -> dict[str, float]:
    """Every metric that needs no threshold, by name.

    * of `of_documents`, means over the labelled documents: ``map_document``, ``r_precision``,
      ``precision_at_5``, ``recall_at_5``, ``f1_at_5``, ...;
    * ``map``: mean over the labels that occur of their average precision over documents;
    * ``auc_macro``: mean over labels of the area under their ROC curve; labels that all or no
      documents have are left out;
    * ``auc_micro``: of all (document, label) cells pooled.

    Documents without labels count in the last three, as what should stand low. NaN where nothing
    is left to average. A NaN among the scores is a ValueError.
    """
    by_label = ranks(truth.T, scores.T)
    return {
        **{name: mean(values) for name, values in of_documents(truth, scores).items()},
        "map": _defined_mean(by_label.average_precision()),
        "auc_macro": _defined_mean(by_label.auc()),
        "auc_micro": pooled_auc(truth, scores),
    }


def of_documents(truth: Bools, scores: Floats) -> dict[str, Floats]:
    """Every metric of a document's own ranking of the labels, by name; shape (n_labelled,).

    * ``map_document``: average precision over the distinct scores;
    * ``r_precision``: precision at k = number of true labels, which is recall there too;
    * ``precision_at_k``, ``recall_at_k``, ``f1_at_k``: of the `k` highest-scored labels, the first
      label where scores are equal; F1@k is 2 hits / (k + n_true). k is 5, 8, 10 and 15 as far as
      there are so many labels; F1@3 and F1@5 are always told, of all labels where there are fewer.

    Documents without a true label are left out: recall is not defined there.
    """
    depths = [k for k in DEPTHS if k <= truth.shape[1]]
    return _of_documents(ranks(truth, scores), scores, depths, [*F1_DEPTHS, *depths])


def mean_average_precision(truth: Bools, scores: Floats) -> float:
    """mAP per label: mean, over labels that occur in `truth`, of the average precision of their
    ranking of documents: Σ (R_i - R_(i-1)) P_i over the distinct scores, from high to low.

    Scores may be infinite. NaN when no label occurs.
    """
    return _defined_mean(ranks(truth.T, scores.T).average_precision())


def mean_average_precision_of_documents(truth: Bools, scores: Floats) -> float:
    """mAP per document: mean, over documents with a label, of the average precision of their
    ranking of labels. NaN when no document has one.
    """
    return _defined_mean(ranks(truth, scores).average_precision())


def top_labels(scores: Floats, k: int) -> Bools:
    """The `k` highest-scored labels of each document (all of them when there are fewer); the
    first label wins a tie.
    """
    predicted = np.zeros(scores.shape, dtype=np.bool_)
    for rows in blocks(*scores.shape):
        best = np.argsort(-scores[rows], axis=1, kind="stable")[:, :k]
        np.put_along_axis(predicted[rows], best, True, axis=1)
    return predicted


def _of_documents(
    found: Ranks, scores: Floats, depths: Iterable[int], f1_depths: Iterable[int]
) -> dict[str, Floats]:
    labelled = found.n_true > 0
    n_true = found.n_true[labelled]
    deepest = np.maximum(found.n_true, max([*depths, *f1_depths]))
    places = found.places(scores, deepest)

    def hits(depth: int | Counts) -> Counts:
        within = found.row[places < depth]
        return np.bincount(within, minlength=len(labelled))[labelled]

    metrics = {
        "map_document": found.average_precision()[labelled],
        "r_precision": hits(found.n_true[found.row]) / n_true,
    }
    for k in sorted({*depths, *f1_depths}):
        at_k, predicted = hits(k), min(k, found.width)
        if k in depths:
            metrics[f"precision_at_{k}"] = at_k / predicted
            metrics[f"recall_at_{k}"] = at_k / n_true
        metrics[f"f1_at_{k}"] = 2 * at_k / (predicted + n_true)
    return metrics


def _defined_mean(values: Floats) -> float:
    return mean(values[~np.isnan(values)])
