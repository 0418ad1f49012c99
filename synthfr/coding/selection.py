"""By what the best moment of a training is chosen: one figure of the validation reports.

The published PLM-ICD selects by mean average precision or by precision at 8, depending on whether
its logging is on; here the parameter says which, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from synthfr.coding.coder import Validation
from synthfr.coding.metrics import (
    Bools,
    Floats,
    mean_average_precision_of_documents,
    top_labels,
)

Metric = Literal["loss", "map", "micro_f1", "precision_at_8"]
AT = 8  # of precision at k


def watched(validation: Validation | None, select_by: Metric) -> Validation | None:
    """The validation reports, or None where they tell nothing by this metric: there are none, or
    none of them has a label (the loss can do without).
    """
    if validation is None or not len(validation.rows):
        return None
    return validation if select_by == "loss" or validation.truth.any() else None


def metrics(select_by: Metric) -> Callable[[Any], dict[str, float]] | None:
    """What a Hugging Face trainer computes at an evaluation; None for the loss, which it has."""
    if select_by == "loss":
        return None
    figure = {
        "map": document_average_precision,
        "micro_f1": best_micro_f1,
        "precision_at_8": precision_at_8,
    }[select_by]

    def computed(evaluated: Any) -> dict[str, float]:
        truth, scores = evaluated.label_ids > 0.5, evaluated.predictions.astype(np.float64)
        return {select_by: figure(truth, scores)}

    return computed


def document_average_precision(truth: Bools, scores: Floats) -> float:
    """mAP as PLM-ICD selects by it: per document, over those with a label; 0 where none has one."""
    found = mean_average_precision_of_documents(truth, scores)
    return 0.0 if np.isnan(found) else found


def best_micro_f1(truth: Bools, scores: Floats) -> float:
    """Micro-F1 at the threshold that is best for it on these documents: the largest 2 hits /
    (predicted + true) over all cuts between distinct scores.
    """
    flat = scores.ravel()
    order = np.argsort(-flat, kind="stable")
    ranked, hits = flat[order], np.cumsum(truth.ravel()[order])
    cut = np.append(ranked[1:] < ranked[:-1], True)  # equal scores are predicted together
    predicted = np.flatnonzero(cut) + 1
    return float((2 * hits[cut] / (predicted + truth.sum())).max())


def precision_at_8(truth: Bools, scores: Floats) -> float:
    """Share of true labels among each labelled document's 8 highest-scored ones (of all, when there
    are fewer), mean over documents; 0 where no document has a label.
    """
    labelled = truth.any(axis=1)
    if not labelled.any():
        return 0.0
    best = top_labels(scores[labelled], AT)
    return float(((truth[labelled] & best).sum(axis=1) / best.sum(axis=1)).mean())
