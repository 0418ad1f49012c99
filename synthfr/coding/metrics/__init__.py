"""Multi-label metrics of ICD-10 coding, under one name each.

`truth` and `predicted` are boolean arrays of shape (n_documents, n_labels); `scores` are floats of
the same shape, higher means more likely, infinities allowed. Where a ratio is 0/0 the value is 0,
unless said otherwise. All is counted in numpy at once, however many documents there are;
scikit-learn and torchmetrics are the oracles of the tests.
"""

from synthfr.coding.metrics.arrays import Bools, Counts, Floats
from synthfr.coding.metrics.decided import f1, of_decisions, of_each_document
from synthfr.coding.metrics.ranked import (
    mean_average_precision,
    mean_average_precision_of_documents,
    of_documents,
    of_rankings,
    top_labels,
)

__all__ = [
    "Bools",
    "Counts",
    "Floats",
    "f1",
    "mean_average_precision",
    "mean_average_precision_of_documents",
    "of_decisions",
    "of_documents",
    "of_each_document",
    "of_rankings",
    "top_labels",
]
