"""Full dates and days of a month: in numbers, or with the month written out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import chain

from synthfr.privacy.identifiers.spelling import Span, alternatives, plain
from synthfr.text.identifier_cues import IdentifierCues

_BETWEEN = r"([./-])"
# no part of a longer number with separators: 01.02.03.04.05 is a telephone
_NUMBERS = re.compile(
    rf"(?<![\w./-])(\d{{1,4}}){_BETWEEN}(\d{{1,2}})\2(\d{{4}}|\d{{1,2}})(?![./-]?\d)(?!\w)"
)
_PIVOT = 69  # years of two digits from here on are of the last century (POSIX)


class Dates:
    """Finds dates of one language; a day and a month in numbers alone (14/9) may be anything and
    is none.
    """

    def __init__(self, cues: IdentifierCues) -> None:
        self._month_first = cues.date_order == "mdy"
        self._month_of = {
            plain(name): number for number, names in enumerate(cues.months, 1) for name in names
        }
        self._written: list[re.Pattern[str]] = []
        if not self._month_of:
            return
        month = rf"(?P<month>{alternatives(chain.from_iterable(cues.months))})\.?"
        between = r"[ \t\xa0]+"
        if cues.date_words:
            between += rf"(?:(?:{alternatives(cues.date_words)})[ \t\xa0]+)?"
        endings = alternatives((*cues.day_endings, "."))
        day = rf"(?<![\w.,/])(?P<day>\d{{1,2}})(?!\d)(?:{endings})?"
        year = r"(?:,?[ \t\xa0]+(?P<year>\d{4})(?![\d.,]\d|\d|\w))?"
        self._written.append(re.compile(rf"{day}{between}{month}(?!\w){year}", re.I))
        if self._month_first:
            self._written.append(re.compile(rf"\b{month}[ \t\xa0]+{day}(?!\w){year}", re.I))

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """``"2021-03-12"``, or ``"--03-12"`` where no year is told, and where in the text."""
        for match in _NUMBERS.finditer(text):
            first, _, second, last = match.groups()
            if value := self._in_numbers(first, second, last):
                yield value, match.span()
        for pattern in self._written:
            for match in pattern.finditer(text):
                year = match["year"]
                month = self._month_of[plain(match["month"])]
                value = _iso(int(year) if year else None, month, int(match["day"]))
                if value:
                    yield value, match.span()

    def _in_numbers(self, first: str, second: str, last: str) -> str | None:
        if len(first) == 4:
            return _iso(int(first), int(second), int(last)) if len(last) < 3 else None
        if len(first) > 2 or len(last) == 1:
            return None
        year = int(last)
        if len(last) == 2:
            year += 1900 if year >= _PIVOT else 2000
        day_first = _iso(year, int(second), int(first))
        # who writes the month first also writes 25/03/2021; elsewhere 10-20-13 is no date
        return (_iso(year, int(first), int(second)) if self._month_first else None) or day_first


def _iso(year: int | None, month: int, day: int) -> str | None:
    """None if there is no such day, or if it lies outside of a life before or after ours."""
    if year is not None and not 1850 <= year <= 2150:
        return None
    try:
        found = date(2000 if year is None else year, month, day).isoformat()
    except ValueError:
        return None
    return found if year is not None else f"-{found[4:]}"
