"""What codes are called: the names in a CODES table, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

LABEL = "label"  # sources of a name: made of the code list's label,
SYNONYM = "synonym"  # the user's (or the demo's) own name of a code,
LEXICON = "lexicon"  # or what clinicians write, from a table of this package
SOURCES = (SYNONYM, LEXICON, LABEL)  # the user's own first, where two codes have the same name


class Entry(NamedTuple):
    """A name of a code."""

    term: str
    code: str
    source: str = LABEL


def entries(codes: pd.DataFrame) -> list[Entry]:
    """All names in a CODES table."""
    return [
        Entry(term, code, source)
        for code, terms, sources in zip(
            codes["code"], codes["synonyms"], codes["sources"], strict=True
        )
        for term, source in zip(terms, sources, strict=True)
    ]


def names(codes: pd.DataFrame) -> dict[str, list[str]]:
    """Each code's names to ask for it by: those of CODES, its label where it has none."""
    return {
        code: list(terms) or [label]
        for code, label, terms in zip(codes["code"], codes["label"], codes["synonyms"], strict=True)
    }
