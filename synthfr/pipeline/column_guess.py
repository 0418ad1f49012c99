"""Which column of a user's file is what: guessed from its name and its cells, for the user to
confirm. Nothing of the cells is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

from synthfr import icd10
from synthfr.corpora.formats import Columns
from synthfr.text import normalise

Side = Literal["public", "private", "codes"]

OURS: Mapping[Side, tuple[str, ...]] = {
    "public": ("report_id", "text", "codes", "keywords", "language"),
    "private": ("report_id", "text", "codes", "keywords", "language", "patient_id"),
    "codes": ("code", "label", "synonyms"),
}
NEEDED: Mapping[Side, tuple[str, ...]] = {
    "public": ("report_id", "text"),
    "private": ("report_id", "text", "codes"),
    "codes": ("code", "label"),
}
# words of a column's name, in normal form; the likelier first
_WORDS = {
    "report_id": ("report id", "id", "report", "document id", "doc id", "document", "doc", "stay",
                  "sejour", "note id", "identifiant", "identifier", "uid", "filename", "file"),
    "text": ("text", "texte", "report text", "letter", "lettre", "compte rendu", "note", "contenu",
             "content", "body", "report", "document"),
    "codes": ("codes", "icd10", "icd", "cim10", "cim", "diagnoses", "diagnostics", "code"),
    "keywords": ("keywords", "mots cles", "terms"),
    "language": ("language", "langue", "lang"),
    "patient_id": ("patient id", "patient", "ipp", "nip", "subject id", "id patient", "pid"),
    "code": ("code", "codes", "icd10", "icd", "cim10", "cim"),
    "label": ("label", "libelle", "title", "titre", "name", "nom", "description"),
    "synonyms": ("synonyms", "synonymes", "synonym"),
}  # fmt: skip
LOOKED_AT = 200  # rows
SEPARATORS = ";,|/ "
LONG = 40  # characters of a report, on average, at least
_NAME = re.compile(r"\w{1,30}")  # a name, and no text, as stands in a header that is none
CODED = 0.8  # of the items of a column of codes have the form of one


def guess(columns: Columns, side: Side, language: str) -> dict[str, str]:
    """Our name -> the file's column, for what was recognised; a column stands for one thing."""
    found: dict[str, str] = {}
    heads = {name: cells[:LOOKED_AT] for name, cells in columns.items()}
    for ours in OURS[side]:
        free = [name for name in heads if name not in found.values()]
        fitting = [name for name in free if _fits(ours, heads[name], columns[name])]
        named = sorted(
            (place, name != ours, -_specific(ours, heads[name]), fitting.index(name))
            for name in fitting
            if (place := _place(ours, name, language)) is not None
        )
        if named:
            found[ours] = fitting[named[0][-1]]
        elif ours in NEEDED[side]:
            unknown = [name for name in fitting if _says_nothing(name, language)]
            if len(unknown) == 1:  # its cells fit, and no other's
                found[ours] = unknown[0]
    return found


def list_separator(cells: Sequence[Any]) -> str | None:
    """What stands between the codes of a text cell: the separator by which most items are codes;
    None where no cell holds more than one.
    """
    texts = [cell for cell in cells[:LOOKED_AT] if isinstance(cell, str) and cell.strip()]
    counts = {
        separator: sum(len(items) for text in texts if len(items := _codes(text, separator)) > 1)
        for separator in SEPARATORS
    }
    best = max(counts, key=lambda separator: counts[separator])
    return best if counts[best] else None


def _codes(text: str, separator: str) -> list[str]:
    """The items of a text, if all of them are codes."""
    items = [item for item in text.split(separator) if item.strip()]
    return items if all(map(icd10.is_code, items)) else []


def _place(ours: str, name: str, language: str) -> int | None:
    """How likely a column's name is: 0 is the likeliest, None not at all."""
    plain = _plain(name)
    bare = plain.removesuffix(f" {language}")
    words = _WORDS[ours]
    if plain == _plain(ours):
        return 0
    if bare in words:
        # the reports' own language before others
        return 1 + 2 * words.index(bare) + (bare == plain)
    known = ours in ("codes", "label", "text", "patient_id") and _NAME.fullmatch(name)
    if known and set(bare.split()) & set(words[:2]):
        return 100
    return None


def _says_nothing(name: str, language: str) -> bool:
    """Whether a name is one (no cell of a file without a header), and none that we know."""
    a_name = _NAME.fullmatch(name) and not icd10.is_code(name)
    return bool(a_name) and all(_place(ours, name, language) is None for ours in _WORDS)


def _plain(name: str) -> str:
    """Words of a name: ``ReportID`` and ``report_id`` to ``report id``."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name)
    return " ".join(
        normalise(word) if not any(map(str.isdigit, word)) else word.lower()
        for word in re.split(r"[\W_]+", apart)
        if word
    )


def _fits(ours: str, head: Sequence[Any], cells: Sequence[Any]) -> bool:
    """Whether the cells can be what the name says."""
    values = [cell for cell in head if cell is not None and cell == cell and cell != ""]
    if not values:
        return False
    if ours == "report_id":
        plain = [str(cell) for cell in cells]
        return len(set(plain)) == len(plain) and fmean(map(len, plain)) < LONG
    if ours in ("text", "label"):
        shortest = LONG if ours == "text" else 1
        return all(isinstance(one, str) for one in values) and fmean(map(len, values)) >= shortest
    if ours in ("code", "codes"):
        return _share_of_codes(values) >= CODED
    if ours == "language":
        return all(isinstance(one, str) and re.fullmatch("[a-z]{2}", one) for one in values)
    return True


def _share_of_codes(values: Sequence[Any]) -> float:
    items = [item for value in values for item in _items(value)]
    return sum(map(icd10.is_code, items)) / len(items) if items else 0.0


def _items(value: Any) -> list[str]:
    if isinstance(value, str):
        return [item for item in re.split(r"[\[\]'\";,|/\s]+", value) if item]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _specific(ours: str, head: Sequence[Any]) -> float:
    """Of several columns of codes the finer one."""
    if ours != "codes":
        return 0.0
    items = [item for value in head if value is not None for item in _items(value)]
    return fmean(map(len, items)) if items else 0.0
