"""How much a coder predicts beside what is true."""

from __future__ import annotations

from synthfr.coding.metrics import Bools


def profile(truth: Bools, predicted: Bools) -> dict[str, float | None]:
    """Codes a document, in total and distinct, true and predicted.

    ``true_codes_predicted_once`` is the share of the distinct true codes that are predicted for a
    document at least once, whichever: it tells of codes that a coder never uses, not of right
    answers. None where no document has a code.
    """
    n = len(truth)
    occurring, used = truth.any(axis=0), predicted.any(axis=0)
    return {
        "true_per_document": float(truth.sum() / n) if n else None,
        "predicted_per_document": float(predicted.sum() / n) if n else None,
        "true_total": int(truth.sum()),
        "predicted_total": int(predicted.sum()),
        "true_distinct": int(occurring.sum()),
        "predicted_distinct": int(used.sum()),
        "true_codes_predicted_once": (
            float((occurring & used).sum() / occurring.sum()) if occurring.any() else None
        ),
    }
