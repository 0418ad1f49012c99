"""The forms in which the words of a term and of a text are compared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from synthfr.text.language_resources import Inflection

_ABBREVIATION_LETTERS = 6  # longest word in capitals that is taken for an abbreviation
_MIN_MISSPELT = 8  # letters of a word that may have one wrong
_KEPT_FIRST, _KEPT_LAST = 5, 3  # letters at either end of a misspelt word that are right

_ELISION = ("'", "\N{RIGHT SINGLE QUOTATION MARK}")
# a dotted abbreviation ("H.T.A."), else letters and digits in any script with their accents
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W_])|(?:[^\W_][\u0300-\u036f]*)+")


class Word(NamedTuple):
    begin: int  # offsets in the text
    end: int
    form: str  # the word without its inflection; empty for a word that terms may have or lack
    abbreviation: str  # its capitals, where it may be one or a single letter; else empty


class WordForms:
    """Cuts text into words, each with the form that is compared.

    The form is the normal form without its ending, with its digits ("DT2" is "dt2"); an
    abbreviation in capitals has a second one, and only that equals the same abbreviation in a term.

    Args:
        inflection: endings and words that do not count, of the language.
        normalise: normal form of a word, of the language.
    """

    def __init__(self, inflection: Inflection, normalise: Callable[[str], str]) -> None:
        self._inflection, self._normalise = inflection, normalise
        self._forms: dict[str, tuple[str, str]] = {}
        self._known: frozenset[str] = frozenset()
        self._similar: dict[tuple[str, str, int], list[str]] = {}
        self.corrected: dict[str, str] = {}  # misspelt form -> the known one

    def words(self, text: str) -> list[Word]:
        forms = self._forms
        found = []
        for match in _WORD.finditer(text):
            surface = match[0]
            if surface not in forms:
                forms[surface] = self._form(surface)
            form, abbreviation = forms[surface]
            if len(surface) == 1 and surface.isupper() and text[match.end() :][:1] not in _ELISION:
                abbreviation = surface  # "vitamine A", which is no article; but not "L'asthme"
            found.append(Word(match.start(), match.end(), form, abbreviation))
        return found

    def learn(self, known: Iterable[str]) -> None:
        """The forms of all terms: from now on a misspelt word takes the form that it is near to."""
        self._known = frozenset(known)
        similar: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        for form in sorted(self._known):
            if len(form) >= _MIN_MISSPELT - 1 and form.isalpha():
                similar[form[:_KEPT_FIRST], form[-_KEPT_LAST:], len(form)].append(form)
        self._similar = dict(similar)
        self._forms.clear()

    def _form(self, surface: str) -> tuple[str, str]:
        letters = surface.replace(".", "")
        capitals = letters if is_abbreviation(letters) else ""
        form = self._normalise(letters)
        if form in self._inflection.skipped:
            return "", capitals
        if any(map(str.isdigit, letters)):
            return letters.casefold(), capitals
        form = self._inflection.stem(form)
        if form not in self._known and not capitals and (near := self._near(form)):
            self.corrected[form] = near
            return near, ""
        return form, capitals

    def _near(self, form: str) -> str | None:
        """The one known form with one letter more, less, exchanged or moved."""
        if len(form) < _MIN_MISSPELT or not form.isalpha():
            return None
        ends = form[:_KEPT_FIRST], form[-_KEPT_LAST:]
        near = [
            other
            for size in (len(form) - 1, len(form), len(form) + 1)
            for other in self._similar.get((*ends, size), ())
            if one_edit_apart(form, other)
        ]
        return near[0] if len(near) == 1 else None


def is_abbreviation(word: str) -> bool:
    """Whether the word is written like an abbreviation: HTA, DT2, IRCt, SpO2; not "Crohn"."""
    capitals = sum(character.isupper() for character in word)
    letters = sum(character.isalpha() for character in word)
    return capitals >= 2 and capitals >= letters - 1 and letters <= _ABBREVIATION_LETTERS


def one_edit_apart(one: str, other: str) -> bool:
    """Whether one letter was added, left out, exchanged, or changed places with the next one."""
    if len(one) > len(other):
        one, other = other, one
    same = next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        len(one),
    )
    if len(one) < len(other):
        return len(other) - len(one) == 1 and one[same:] == other[same + 1 :]
    swapped = one[same : same + 2] == other[same : same + 2][::-1]
    return one[same + 1 :] == other[same + 1 :] or (
        swapped and one[same + 2 :] == other[same + 2 :]
    )
