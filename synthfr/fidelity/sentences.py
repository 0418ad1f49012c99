"""Where a sentence ends: one rule for all languages, and each language's titles before a name.

A sentence ends at a line's end, or at . ! ? … before white space, unless a lower-case letter
follows. A mark that a capital follows without a space ends one too, if two lower-case letters stand
before it ("sans anomalie.L'examen"). A full stop ends none behind a title ("Mrs. Brown"), behind an
initial (one capital letter that stands alone: "M. Dupont", "H. E."), or behind a number that opens
a line or follows a full stop ("1. Asthma").

spaCy's ``sentencizer`` knows neither lines nor lower case, and ``eds.sentences`` of edsnlp, which
is for French alone, agrees with this rule in 99 of 100 ends: see the CHANGELOG for what was read.
"""

from __future__ import annotations

import re
from functools import cache

from synthfr.text.identifier_cues import identifier_cues

_END = re.compile(r"[.!?…]+(?:[\"'”)\]]|\s?»)*(?P<gap>\s*)")
_INITIAL = re.compile(r"(?:^|[\s(\[.])[^\W\d_]$")
_ITEM_NUMBER = re.compile(r"(?:^|[.!?…]\s)\s*\d{1,2}$")
_WORD_BEFORE = re.compile(r"[^\W\d_]+$")
_LONGEST_BEFORE = 24  # characters that decide whether a full stop ends a sentence


def sentences(text: str, language: str | None = None) -> list[str]:
    """Sentences of `text`; what holds no letter or digit is none. Titles are those of `language`,
    a code with resources; None: no titles.
    """
    titles = _titles(language) if language else frozenset()
    found: list[str] = []
    for line in text.splitlines():
        start = 0
        for end in _END.finditer(line):
            if _ends(line, end, titles):
                found.append(line[start : end.end()])
                start = end.end()
        found.append(line[start:])
    return [sentence.strip() for sentence in found if any(map(str.isalnum, sentence))]


def _ends(line: str, mark: re.Match[str], titles: frozenset[str]) -> bool:
    after = line[mark.end() : mark.end() + 1]
    before = line[max(0, mark.start() - _LONGEST_BEFORE) : mark.start()]
    if after.islower():
        return False
    if not mark["gap"]:
        end = before[-2:]
        return after.isupper() and len(end) > 1 and end.isalpha() and end.islower()
    if mark[0][0] != ".":
        return True
    if before[-1:].isupper() and _INITIAL.search(before):
        return False
    if before[-1:].isdigit() and _ITEM_NUMBER.search(before):
        return False
    word = _WORD_BEFORE.search(before)
    return not (word and word[0] in titles)


@cache
def _titles(language: str) -> frozenset[str]:
    return frozenset(title.rstrip(".") for title in identifier_cues(language).titles)
