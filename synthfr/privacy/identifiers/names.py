"""Names of persons: what follows a title or stands in a field for names. No other name is found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from synthfr.privacy.identifiers.spelling import Span, alternatives, plain
from synthfr.text.identifier_cues import IdentifierCues
from synthfr.text.language_resources import Language

_MOST_WORDS = 4
_MOST_PARTS = 8  # with titles, initials and particles
_INITIALS = 2  # letters: a word of no more, in capitals, is initials ("Mme HK")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
# stands between the words of a name: a blank, or the dot of an initial
_GAP = re.compile(r"[ \t\xa0]*\.?[ \t\xa0]*")
_NEVER = re.compile(r"(?!)")


class Names:
    """Finds names of one language."""

    def __init__(self, cues: IdentifierCues, language: Language) -> None:
        titles, fields = cues.titles, cues.name_fields
        dotted = [title for title in titles if title.endswith(".")]
        bare = [title for title in titles if not title.endswith(".")]
        forms = [rf"(?:{alternatives(dotted)})[ \t\xa0]*"] if dotted else []
        forms += [rf"(?:{alternatives(bare)})(?:\.[ \t\xa0]*|[ \t\xa0]+)"] if bare else []
        self._title = re.compile("|".join(rf"\b{form}" for form in forms)) if forms else _NEVER
        field = rf"\b(?:{alternatives(fields)})\.?[ \t\xa0]*[:=][ \t\xa0]*"
        self._field = re.compile(field, re.I) if fields else _NEVER
        self._is_title = frozenset(plain(title.rstrip(".")) for title in titles)
        self._particles = frozenset(map(plain, cues.particles))
        self._ends = frozenset(map(plain, (*cues.not_names, *language.stop_words)))
        self._normalise = language.normalise

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """``"jean dupont"`` and where it stands; initials are left out."""
        for pattern in (self._title, self._field):
            for cue in pattern.finditer(text):
                if found := self._name(text, cue.end()):
                    yield found

    def _name(self, text: str, start: int) -> tuple[str, Span] | None:
        words: list[str] = []
        pending: list[str] = []  # particles, which count if a name goes on behind them
        place = end = start
        for _ in range(_MOST_PARTS):
            match = _WORD.match(text, place)
            if match is None or len(words) == _MOST_WORDS:
                break
            word = match.group()
            form = plain(word)
            gap = _GAP.match(text, match.end())
            place = gap.end() if gap else match.end()
            is_initial = len(word) <= _INITIALS and word.isupper()
            if not words and form in self._is_title:
                continue  # "Nom : Mme Martin"
            if is_initial:
                end = match.end()
            elif form in self._particles:
                pending.append(word)
            elif word[0].isupper() and form not in self._ends:
                words += [*pending, word]
                pending = []
                end = match.end()
            else:
                break
            # a dot ends the sentence, unless the word is an initial
            if not is_initial and "." in text[match.end() : place]:
                break
        name = self._normalise(" ".join(words))
        return (name, (start, end)) if len(name) > 1 else None
