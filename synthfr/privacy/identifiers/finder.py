"""Direct identifiers in a text: what points at one person without more knowledge. By rules alone:
what no title, field, form or check digit shows is not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, Protocol

from synthfr.privacy.identifiers.dates import Dates
from synthfr.privacy.identifiers.names import Names
from synthfr.privacy.identifiers.numbers import Mails, PersonalNumbers, Records, Telephones
from synthfr.privacy.identifiers.spelling import Span
from synthfr.text.identifier_cues import identifier_cues
from synthfr.text.language_resources import language
from synthfr.text.tokens import composed

Kind = Literal["personal_number", "phone", "mail", "record", "name", "date"]
Found = dict[Kind, set[str]]


class _Search(Protocol):
    def find(self, text: str) -> Iterator[tuple[str, Span]]: ...


class Finder:
    """Finds the identifiers of texts in one language. UserError where there is no file for it."""

    def __init__(self, code: str) -> None:
        cues = identifier_cues(code)
        # what an earlier search has taken is not read again: a personal number is no telephone
        self._searches: tuple[tuple[Kind, _Search], ...] = (
            ("mail", Mails()),
            ("date", Dates(cues)),
            ("record", Records(cues)),
            ("personal_number", PersonalNumbers(cues)),
            ("phone", Telephones(cues)),
            ("name", Names(cues, language(code))),
        )

    def find(self, text: str) -> Found:
        """The identifiers of each kind in one form, whatever way they are written; a kind without
        any is left out.
        """
        text = composed(text)
        found: Found = {}
        for kind, search in self._searches:
            spans = []
            for value, span in search.find(text):
                found.setdefault(kind, set()).add(value)
                spans.append(span)
            text = _blanked(text, spans)
        return found


@cache
def finder(code: str) -> Finder:
    """The one of a language."""
    return Finder(code)


def _blanked(text: str, spans: list[Span]) -> str:
    """The text with a sign in the place of each span that no search reads."""
    if not spans:
        return text
    pieces, place = [], 0
    for start, end in sorted(spans):
        pieces += [text[place : max(start, place)], "|" * (end - max(start, place))]
        place = max(end, place)
    return "".join([*pieces, text[place:]])
