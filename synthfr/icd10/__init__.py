"""ICD-10 (CIM-10) codes: one spelling, categories, chapters, label spaces."""

from synthfr.icd10.codes import (
    Chapter,
    broader,
    category,
    chapter,
    chapters,
    is_code,
    label_space,
    normalise_code,
    related,
)

__all__ = [
    "Chapter",
    "broader",
    "category",
    "chapter",
    "chapters",
    "is_code",
    "label_space",
    "normalise_code",
    "related",
]
