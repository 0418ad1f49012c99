"""How cues of a language become patterns: with their accents and without, the longest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

Span = tuple[int, int]


def plain(text: str) -> str:
    """Lower case without accents; letters and order stay."""
    parts = unicodedata.normalize("NFD", text.lower())
    return "".join(part for part in parts if not unicodedata.combining(part))


def unaccented(text: str) -> str:
    """Without accents, in its own case."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def alternatives(phrases: Iterable[str]) -> str:
    """Pattern of any of these phrases. A blank in one is any blanks of a line."""
    spelt = {form for phrase in phrases for form in (phrase, unaccented(phrase))}
    longest_first = sorted(spelt, key=lambda one: (-len(one), one))
    return "|".join(r"[ \t\xa0]+".join(map(re.escape, one.split())) for one in longest_first)
