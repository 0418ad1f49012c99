"""One cell of a user's table: an id, a text, a list of codes or keywords."""

from __future__ import annotations

import ast
import json
import re
from functools import lru_cache
from typing import Any

from synthfr import icd10
from synthfr.errors import UserError

NO_LIST = "neither a list nor text"
_NOTHING = frozenset({"", "nan", "none", "null", "na", "n/a", "-"})  # as programs write it
_FRAMES = str.maketrans(dict.fromkeys("[](){}\"'`“”«»‘’", " "))
_BETWEEN = re.compile(r"[\s,;|/]+")
_MARKS = "†‡*!"  # behind a code: aetiology, manifestation, additional; "+" too, which ICD-10 knows
_MARK_APART = re.compile(rf"\s+(?=[+{_MARKS}](?:[\s,;|/]|$))")
_MARK_GLUED = re.compile(rf"(?<=[+{_MARKS}])(?=[A-Za-z])")
_LETTER_APART = re.compile(r"(?<![A-Za-z0-9])([A-Za-z])\s+(?=[0-9])")
_DOT_APART = re.compile(r"\s*\.\s*(?=[0-9])")


def identity(value: Any) -> str:
    """An id as text; empty where there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if is_missing(value) else str(value).strip()


def is_missing(value: Any) -> bool:
    """Whether a cell is null, or not a number."""
    return value is None or bool(value != value)


def codes(cell: Any, separator: str) -> tuple[list[str], list[int]]:
    """The normalised codes of a cell, and the places (from 1) of items that are no ICD-10 codes.

    Read as codes are a list, and a text that can be read in one way only: written as a list of
    JSON or Python; with `separator`, comma, semicolon, bar, slash, blanks or line ends between the
    items; with dagger and asterisk marks behind them; without dots, in small letters.

    Raises:
        TypeError: if the cell is neither a list nor text.
    """
    if is_missing(cell):
        return [], []
    if isinstance(cell, str):
        found, wrong = _codes_of_text(cell, separator)
    elif isinstance(cell, list):
        found, wrong = [], []
        for place, item in enumerate(cell, start=1):
            if item is None:
                continue
            inside, misread = (
                _codes_of_text(item, separator) if isinstance(item, str) else ([], [place])
            )
            found += inside
            wrong += [place] if misread else []
    else:
        raise TypeError(NO_LIST)
    return list(dict.fromkeys(found)), wrong


def _codes_of_text(text: str, separator: str) -> tuple[list[str], list[int]]:
    if text.strip().lower() in _NOTHING:
        return [], []
    plain = _codes_of_items([item for item in text.split(separator) if item.strip()])
    if not plain[1]:
        return plain
    text = _MARK_GLUED.sub(" ", _MARK_APART.sub("", text.translate(_FRAMES)))
    text = _DOT_APART.sub(".", _LETTER_APART.sub(r"\1", text))
    freely = _codes_of_items([item for item in _BETWEEN.split(text) if item])
    # items that no reading makes codes: told by their places between the user's own separators
    return freely if not freely[1] or len(plain[1]) + len(plain[0]) == 1 else plain


def _codes_of_items(items: list[str]) -> tuple[list[str], list[int]]:
    read = [_code(item) for item in items]
    return [code for code in read if code], [at for at, code in enumerate(read, 1) if not code]


@lru_cache(maxsize=1 << 17)  # the same few codes again and again
def _code(item: str) -> str | None:
    try:
        return icd10.normalise_code(item.strip().rstrip(_MARKS))
    except UserError:
        return None


def keywords(cell: Any, separator: str) -> list[str]:
    """The items of a list cell: a list as it is, also one written as JSON or Python; another text
    cut at the separator.

    Raises:
        TypeError: if the cell is neither a list nor text.
    """
    if is_missing(cell):
        return []
    parts = cell
    if isinstance(cell, str):
        written = _written_list(cell)
        parts = cell.split(separator) if written is None else written
    if not isinstance(parts, list):
        raise TypeError(NO_LIST)
    return [str(part).strip() for part in parts if part is not None and str(part).strip()]


def _written_list(text: str) -> list[Any] | None:
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
    return None
