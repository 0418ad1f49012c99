"""The 22 chapters of ICD-10: which one a code belongs to."""

from __future__ import annotations

from bisect import bisect_right

from synthfr.icd10.codes import is_code, normalise_code

# first and last category of each: WHO's list, with what CIM-10 and ICD-10-CM add at the ends (D49,
# K94 and K95, O9A, V00, Y99, all of U). Categories with a letter (C4A, M1A, Z3A) sort between the
# digits before and the next ten, which is where ICD-10-CM has them.
_RANGES = (
    ("I", "A00", "B99"),
    ("II", "C00", "D49"),
    ("III", "D50", "D89"),
    ("IV", "E00", "E90"),
    ("V", "F00", "F99"),
    ("VI", "G00", "G99"),
    ("VII", "H00", "H59"),
    ("VIII", "H60", "H95"),
    ("IX", "I00", "I99"),
    ("X", "J00", "J99"),
    ("XI", "K00", "K95"),
    ("XII", "L00", "L99"),
    ("XIII", "M00", "M99"),
    ("XIV", "N00", "N99"),
    ("XV", "O00", "O9A"),
    ("XVI", "P00", "P96"),
    ("XVII", "Q00", "Q99"),
    ("XVIII", "R00", "R99"),
    ("XIX", "S00", "T98"),
    ("XXII", "U00", "U99"),
    ("XX", "V00", "Y99"),
    ("XXI", "Z00", "Z99"),
)
CHAPTERS = tuple(name for name, _, _ in _RANGES)
"""Their numbers, in the order of the codes (XXII, the special purposes, before XX)."""
_FIRSTS = [first for _, first, _ in _RANGES]


def chapter(code: str) -> str | None:
    """Number of the chapter, as WHO writes it: ``E11.9`` to ``IV``, ``Z3A`` to ``XXI``.

    None for what has not the form of an ICD-10 code (a procedure's, another system's) and for
    categories that no chapter has (``D95``).
    """
    if not is_code(code):
        return None
    head = normalise_code(code)[:3]
    place = bisect_right(_FIRSTS, head) - 1
    if place < 0:
        return None
    name, _, last = _RANGES[place]
    return name if head <= last else None
