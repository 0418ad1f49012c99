"""ICD-10-CM, the English list of codes: the tabular list in XML that its publisher gives out.

It is read out of the distribution simple-icd-10-cm (MIT licence), which is not imported and not
part of this package; any other year's ``icd10cm-tabular-*.xml`` has the same form. The list itself
is published for download by the US National Center for Health Statistics and bears no notice of
copyright; ICD-10, which it extends, is (c) World Health Organization. Codes of seven places that
end in the kind of encounter ("S52.501A") are not in it: only what they begin with is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError, iterparse

from synthfr import icd10
from synthfr.errors import UserError

# below a code: further names, and at a category what it takes in
_NAMES = ("inclusionTerm/note", "includes/note")
_NO_NAME = re.compile(r":$|\b[A-Z]\d\d\.[\d-]")


class Named(NamedTuple):
    """A code, its label and its other names, as the list spells them."""

    code: str
    label: str
    others: list[str]


def tabular_list(path: Path) -> Iterator[Named]:
    """Every category and subcategory of a tabular list, what is narrower first.

    Left out are notes that are no names, as they lead to others ("Any of the following:") or speak
    of codes ("except those in B36.-"), and the few codes that have not the form of ICD-10's (QA0).

    Raises:
        UserError: if the file is missing, or no tabular list.
    """
    found = False
    try:
        for _, element in iterparse(path):
            if element.tag == "diag":
                found = True
                named = _named(element)
                if icd10.is_code(named.code):
                    yield named
                # the narrower codes have had their turn: what is read need not stay in memory
                element.clear()
    except FileNotFoundError:
        raise UserError(f"{path} is missing: install the package again.") from None
    except ParseError:
        raise UserError(f"{path} is no XML: install the package again.") from None
    if not found:
        raise UserError(f"{path} is no tabular list of ICD-10-CM: it has no element 'diag'.")


def _named(element: Element) -> Named:
    notes = (_text(note) for name in _NAMES for note in element.findall(name))
    return Named(
        _text(element.find("name")),
        _text(element.find("desc")),
        [note for note in notes if note and not _NO_NAME.search(note)],
    )


def _text(element: Element | None) -> str:
    return " ".join((element.text or "").split()) if element is not None else ""
