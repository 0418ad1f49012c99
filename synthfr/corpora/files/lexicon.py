"""The lexicon of a language: what clinicians write for a condition, and its code.

A table of this package, ``lexicons/<language>.csv``; README.md beside it says what stands in it.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Literal

from synthfr import icd10

_FOLDER = Path(__file__).parent / "lexicons"


Breadth = Literal["conditions", "all", "none"]


@cache
def lexicon(language: str, breadth: Breadth) -> tuple[tuple[str, str], ...]:
    """(term, code) of the rows; none for a language that has no lexicon.

    Args:
        language: its code.
        breadth: ``conditions``: without what is no condition of the patient (`icd10.is_condition`);
            coders give such codes by rules of their own, and seldom where the words stand.
    """
    path = _FOLDER / f"{language}.csv"
    if breadth == "none" or not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            (row["term"], row["code"])
            for row in csv.DictReader(file)
            if breadth == "all" or icd10.is_condition(row["code"])
        )
