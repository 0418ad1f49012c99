"""What kind of errors a coder makes: numpy in, figures that may leave out.

All take boolean arrays of shape (n_documents, n_labels). Rows of single codes and documents stay
inside; classes and bins of too few patients (`Limit`) are told as None.
"""

from synthfr.coding.errors.copying import copying
from synthfr.coding.errors.correlation import correlations
from synthfr.coding.errors.curves import Curve, bins_of, document_f1, label_f1
from synthfr.coding.errors.disclosure import Limit, patients
from synthfr.coding.errors.families import Level, families
from synthfr.coding.errors.profile import profile

__all__ = [
    "Curve",
    "Level",
    "Limit",
    "bins_of",
    "copying",
    "correlations",
    "document_f1",
    "families",
    "label_f1",
    "patients",
    "profile",
]
