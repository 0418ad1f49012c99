"""Metrics of yes/no decisions.

The macro average exists twice, because the field uses both. Over *all labels of the space*
(``macro_f1``: the original Synth-FR, scikit-learn, this project's headline) a label that no
document has counts 0. Over *the labels present in the truth* (``macro_f1_present``: Edin et al.
2023, "Automated Medical Coding on MIMIC-III and MIMIC-IV", and the companion study) such a label
does not count, so the figure is higher, the more so the larger the space. Edin et al. also drop
what is predicted of absent labels from the micro average, and documents without labels; here both
stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthfr.coding.metrics.arrays import Bools, Counts, Floats, blocks, mean, share

NAMES = (  # of `of_decisions`
    *("macro_precision", "macro_recall", "macro_f1"),
    *("macro_precision_present", "macro_recall_present", "macro_f1_present"),
    *("micro_precision", "micro_recall", "micro_f1"),
    *("exact_match_ratio", "hamming_loss", "sample_jaccard"),
)


def of_decisions(truth: Bools, predicted: Bools) -> dict[str, float]:
    """Every metric of yes/no decisions, by name.

    * ``macro_precision``, ``macro_recall``, ``macro_f1``: mean over all labels, 0 for one that no
      document has, nor is given;
    * ``macro_precision_present``, ...: over the labels that some document has; NaN when none does;
    * ``micro_precision``, ``micro_recall``, ``micro_f1``: of all (document, label) cells pooled;
    * ``exact_match_ratio``: share of documents whose labels are all right and complete;
    * ``hamming_loss``: share of cells that are wrong;
    * ``sample_jaccard``: mean over documents of |true ∩ predicted| / |true ∪ predicted|.

    A document without labels counts everywhere: what it is given is wrong, and where it is given
    nothing it is an exact match with a Jaccard of 1. Without documents the last three are NaN.
    """
    counts = _by_label(truth, predicted)
    found = {}
    for name, per_label in counts.ratios().items():
        found[f"macro_{name}"] = mean(per_label)
        found[f"macro_{name}_present"] = mean(per_label[counts.true > 0])
    for name, pooled in counts.pooled().ratios().items():
        found[f"micro_{name}"] = float(pooled[0])
    of_each = of_each_document(truth, predicted)
    return found | {name: mean(values) for name, values in of_each.items()}


def of_each_document(truth: Bools, predicted: Bools) -> dict[str, Floats]:
    """What the metrics that are means over documents are means of, by name; shape (n_documents,).

    ``exact_match_ratio``: 1 where all labels are right and complete; ``hamming_loss``: share of the
    labels that are wrong; ``sample_jaccard``.
    """
    n_documents, n_labels = truth.shape
    wrong, jaccard = np.zeros(n_documents, dtype=np.int64), np.zeros(n_documents)
    for rows in blocks(n_documents, n_labels):
        either = (truth[rows] | predicted[rows]).sum(axis=1)
        both = (truth[rows] & predicted[rows]).sum(axis=1)
        wrong[rows] = either - both
        jaccard[rows] = np.where(either > 0, share(both, either), 1.0)
    return {
        "exact_match_ratio": (wrong == 0).astype(np.float64),
        "hamming_loss": wrong / max(1, n_labels),
        "sample_jaccard": jaccard,
    }


def f1(truth: Bools, predicted: Bools) -> dict[str, float]:
    """``macro_f1`` and ``micro_f1`` of `of_decisions`, alone."""
    counts = _by_label(truth, predicted)
    return {
        "macro_f1": mean(counts.ratios()["f1"]),
        "micro_f1": float(counts.pooled().ratios()["f1"][0]),
    }


@dataclass(frozen=True)
class _LabelCounts:
    """Documents of each label: rightly given, given, and that have it; shape (n_labels,)."""

    hits: Counts
    given: Counts
    true: Counts

    def pooled(self) -> _LabelCounts:
        return _LabelCounts(
            *(part.sum(keepdims=True) for part in (self.hits, self.given, self.true))
        )

    def ratios(self) -> dict[str, Floats]:
        return {
            "precision": share(self.hits, self.given),
            "recall": share(self.hits, self.true),
            "f1": share(2 * self.hits, self.given + self.true),
        }


def _by_label(truth: Bools, predicted: Bools) -> _LabelCounts:
    return _LabelCounts((truth & predicted).sum(axis=0), predicted.sum(axis=0), truth.sum(axis=0))
