"""ICD-10 (CIM-10) codes: one spelling, categories, label spaces."""

from synthfr.icd10.chapters import CHAPTERS, chapter
from synthfr.icd10.codes import (
    broader,
    category,
    is_code,
    is_condition,
    label_space,
    nearest,
    normalise_code,
    related,
)

__all__ = [
    "CHAPTERS",
    "broader",
    "category",
    "chapter",
    "is_code",
    "is_condition",
    "label_space",
    "nearest",
    "normalise_code",
    "related",
]
