"""Which terms in a sentence are negated: rules over cue phrases, in the manner of NegEx.

Chapman et al. 2001, "A Simple Algorithm for Identifying Negated Findings and Diseases in Discharge
Summaries"; the roles of the phrases are ConText's (Harkema et al. 2009). They are listed in the
language's file. A cue reaches from its place towards the term, but not

* past a termination ("mais", "but", a semicolon, a bullet) or the end of the sentence;
* over more than `reach` words of one item of a list;
* past a list's separator, unless the list is closed ("pas de fièvre, toux ou dyspnée") or the cue
  negates open lists as well ("denies fever, cough");
* out of a pseudo-negation ("sans doute") or of a term ("diabète non insulinodépendant").

The longest phrase counts ("n'élimine pas" is no cue, though "élimine" and "pas" are). Not told
apart: the uncertain, the past, and other people's diseases.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import Flag, auto
from functools import cache
from typing import NamedTuple

from synthfr.text.language_resources import NegationCues
from synthfr.text.language_resources import language as resources
from synthfr.text.normalise import normalise

# words of any script with their accents, numbers, ends of lines, and single marks; not
# `text.tokens.words`: a cue must be seen beside a mark, and a mark ends what it negates
_TOKEN = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+|\d+|\n\s*|[^\w\s]")
_SILENT = frozenset("'\N{RIGHT SINGLE QUOTATION MARK}`\N{MODIFIER LETTER APOSTROPHE}\"«»")
_HYPHENS = frozenset("-\N{HYPHEN}\N{NON-BREAKING HYPHEN}")
_CLAUSE_ENDS = "\n;:!?•·…=>\N{RIGHTWARDS ARROW}\N{RIGHTWARDS DOUBLE ARROW}-\N{EN DASH}\N{EM DASH}"
_OPENING, _CLOSING = "([", ")]"
_ITEM_WORDS = 4  # longest item of a list whose end is looked for, in words


class Role(Flag):
    """What a phrase does. Some do two things: "éliminé" stands before or after what it negates."""

    NONE = 0  # a pseudo-negation: the words of a cue, or of a termination, without its force
    PRECEDING = auto()
    OPEN = auto()  # a preceding cue that negates a whole list, closed or not
    ADJACENT = auto()  # negates only what follows at once: "non diabétique"
    FOLLOWING = auto()
    TERMINATION = auto()
    SEPARATOR = auto()
    CLOSER = auto()


class _Token(NamedTuple):
    form: str
    begin: int
    end: int


class _Phrase(NamedTuple):
    role: Role
    first: int  # tokens, both included
    last: int


class _Clause(NamedTuple):
    tokens: list[_Token]
    phrases: dict[int, _Phrase]  # by each of their tokens
    opening: dict[int, int]  # bracket of each closing one, both as tokens
    closing: dict[int, int]

    def words(self, at: int) -> int:
        """1 for a word, 0 for a mark or an elided article ("l'")."""
        return int(self.tokens[at].form[0].isalnum() and len(self.tokens[at].form) > 1)


class Negation:
    """The cues of a language, ready to be looked for."""

    def __init__(self, cues: NegationCues) -> None:
        self._reach = cues.reach
        roles: dict[tuple[str, ...], Role] = defaultdict(lambda: Role.NONE)
        for role, phrases in (
            (Role.NONE, cues.pseudo),
            (Role.PRECEDING | Role.OPEN, cues.preceding_open),
            (Role.PRECEDING, cues.preceding),
            (Role.ADJACENT, cues.adjacent),
            (Role.FOLLOWING, cues.following),
            (Role.PRECEDING | Role.FOLLOWING, cues.bidirectional),
            (Role.TERMINATION, cues.termination),
            (Role.SEPARATOR, cues.list_separators),
            (Role.CLOSER, cues.list_closers),
        ):
            for phrase in phrases:
                roles[tuple(token.form for token in _tokens(phrase))] |= role
        for mark in _CLAUSE_ENDS:
            roles[(mark,)] |= Role.TERMINATION
        negating = Role.PRECEDING | Role.ADJACENT | Role.FOLLOWING
        self._starts = frozenset(forms[0] for forms, role in roles.items() if role & negating)
        self._phrases: dict[str, list[tuple[tuple[str, ...], Role]]] = defaultdict(list)
        for forms in sorted(roles, key=lambda forms: (-len(forms), forms)):
            self._phrases[forms[0]].append((forms, roles[forms]))

    def negated(self, sentence: str, spans: Sequence[tuple[int, int]]) -> list[bool]:
        """For each of the `spans` of terms (offsets in the sentence; in order, not overlapping)
        whether it is negated.
        """
        tokens = [*_tokens(sentence), _Token("\n", len(sentence), len(sentence))]
        if not spans or self._starts.isdisjoint(token.form for token in tokens):
            return [False] * len(spans)
        begins = [token.begin for token in tokens]
        # tokens of each term, the last one excluded
        terms = [(bisect_left(begins, start), bisect_left(begins, end)) for start, end in spans]
        inside = [False] * len(tokens)
        for first, last in terms:
            inside[first:last] = [True] * (last - first)
        opening = dict(_brackets(tokens))
        closing = {begin: end for end, begin in opening.items()}
        clause = _Clause(tokens, self._tagged(tokens, inside), opening, closing)
        return [
            self._from_the_left(clause, first) or self._from_the_right(clause, last)
            for first, last in terms
        ]

    def _tagged(self, tokens: Sequence[_Token], inside: Sequence[bool]) -> dict[int, _Phrase]:
        """The phrases by each of their tokens; of overlapping ones the leftmost, then the longest.

        Terms are opaque: no phrase begins, ends or lies inside one.
        """
        phrases: dict[int, _Phrase] = {}
        at = 0
        while at < len(tokens):
            length = 1
            for forms, role in self._phrases.get(tokens[at].form, ()):
                here = range(at, at + len(forms))
                if here.stop <= len(tokens) and all(
                    tokens[place].form == form and not inside[place]
                    for place, form in zip(here, forms, strict=True)
                ):
                    length = len(forms)
                    phrases |= dict.fromkeys(here, _Phrase(role, at, here.stop - 1))
                    break
            at += length
        return phrases

    def _from_the_left(self, clause: _Clause, term: int) -> bool:
        """Whether a preceding cue reaches the token `term`."""
        at, words, closed = term - 1, 0, True
        while at >= 0 and words <= self._reach:
            phrase = clause.phrases.get(at)
            if phrase is None:
                words += clause.words(at)
                at = clause.opening.get(at, at) - 1
                continue
            role = phrase.role
            if role & Role.PRECEDING and (closed or role & Role.OPEN):
                return True
            if role & Role.ADJACENT and at == term - 1:
                return True
            if role & (Role.TERMINATION | Role.PRECEDING):
                return False
            if role & Role.SEPARATOR:
                closed = closed and self._list_is_closed(clause, phrase.last + 1)
            if role & (Role.SEPARATOR | Role.CLOSER):
                words = 0
            at = phrase.first - 1
        return False

    def _from_the_right(self, clause: _Clause, after: int) -> bool:
        """Whether a following cue reaches the term that ends before the token `after`."""
        at, words = after, 0
        while at < len(clause.tokens) and words <= self._reach:
            phrase = clause.phrases.get(at)
            if phrase is None:
                words += clause.words(at)
                at = clause.closing.get(at, at) + 1
                continue
            if phrase.role & Role.FOLLOWING:
                return True
            if phrase.role & (Role.TERMINATION | Role.SEPARATOR | Role.PRECEDING):
                return False
            at = phrase.last + 1
        return False

    def _list_is_closed(self, clause: _Clause, at: int) -> bool:
        """Whether the list that has a separator before `at` is closed by "ou", "ni" or the like."""
        words = 0
        while at < len(clause.tokens) and words <= _ITEM_WORDS:
            phrase = clause.phrases.get(at)
            role = phrase.role if phrase else Role.NONE
            if role & Role.CLOSER:
                return True
            if role & Role.TERMINATION:
                return False
            words = 0 if role & Role.SEPARATOR else words + clause.words(at)
            at = clause.closing.get(at, at) + 1
        return False


@cache
def negation(language: str) -> Negation | None:
    """The rules of a language, by its code; None where its file has no cues.

    Raises:
        UserError: if there is no file for it.
    """
    cues = resources(language).negation
    return Negation(cues) if cues else None


def _brackets(tokens: Sequence[_Token]) -> Iterator[tuple[int, int]]:
    """Closing and opening one of each pair."""
    opened = []
    for at, token in enumerate(tokens):
        if token.form in _OPENING:
            opened.append(at)
        elif token.form in _CLOSING and opened:
            yield at, opened.pop()


@cache
def _form(word: str) -> str:
    return normalise(word)


def _tokens(text: str) -> Iterator[_Token]:
    """Words in normal form, numbers, marks, and ends of lines that are ends of a clause.

    Apostrophes, quotation marks and the hyphen inside a word only separate. A line that goes on in
    lower case on the next one was wrapped.
    """
    for found in _TOKEN.finditer(text):
        token = found[0]
        begin, end = found.span()
        if token[0].isalpha():
            yield _Token(_form(token), begin, end)
        elif token[0] == "\n":
            wrapped = token.count("\n") == 1 and text[end : end + 1].islower()
            if not wrapped:
                yield _Token("\n", begin, end)
        elif token in _HYPHENS:
            if not (begin and text[begin - 1].isalnum() and text[end : end + 1].isalnum()):
                yield _Token("-", begin, end)
        elif token not in _SILENT:
            yield _Token(token, begin, end)
