"""In which context a term stands: negated, hypothetical, of the family, of the past.

Rules over cue phrases, as ConText has them (Harkema et al. 2009; for negation NegEx, Chapman et al.
2001, "A Simple Algorithm for Identifying Negated Findings and Diseases in Discharge Summaries").
The phrases are listed in the language's file, for each context that it knows. A cue reaches from
its place towards the term, but not

* past a termination ("mais", "but", a semicolon, a bullet) or the end of the sentence;
* over more than `reach` words of one item of a list;
* past a list's separator, unless the list is closed ("pas de fièvre, toux ou dyspnée") or the cue
  negates open lists as well ("denies fever, cough");
* out of a pseudo-negation ("sans doute") or of a term ("diabète non insulinodépendant").

The longest phrase counts ("n'élimine pas" is no cue, though "élimine" and "pas" are). The phrases
are described as those of a negation; they do the same for the other contexts.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from synthfr.text.language_resources import Cues
from synthfr.text.language_resources import language as resources
from synthfr.text.normalise import normalise

# words of any script with their accents, numbers, ends of lines, and single marks; not
# `text.tokens.words`: a cue must be seen beside a mark, and a mark ends what it negates
_TOKEN = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+|\d+|\n\s*|[^\w\s]")
_SILENT = frozenset("'\N{RIGHT SINGLE QUOTATION MARK}`\N{MODIFIER LETTER APOSTROPHE}\"«»")
_HYPHENS = frozenset("-\N{HYPHEN}\N{NON-BREAKING HYPHEN}")
_CLAUSE_ENDS = "\n;:!?•·…=>\N{RIGHTWARDS ARROW}\N{RIGHTWARDS DOUBLE ARROW}-\N{EN DASH}\N{EM DASH}"
_OPENING, _CLOSING = "([", ")]"
_SENTENCE_END = re.compile(r"(?:(?<=\w\w)|(?<=[^\w\s]))[.!?]+(?=\s)|\n\s*\n")
_ITEM_WORDS = 4  # longest item of a list whose end is looked for, in words


class Role:
    """What a phrase does, as bits. Some do two things: "éliminé" stands before or after what it
    negates.
    """

    NONE = 0  # a pseudo-negation: the words of a cue, or of a termination, without its force
    PRECEDING = 1
    OPEN = 2  # a preceding cue that negates a whole list, closed or not
    ADJACENT = 4  # negates only what follows at once: "non diabétique"
    FOLLOWING = 8
    TERMINATION = 16
    SEPARATOR = 32
    CLOSER = 64


class _Token(NamedTuple):
    form: str
    begin: int
    end: int


class _Phrase(NamedTuple):
    role: int
    first: int  # tokens, both included
    last: int


class _Sentence(NamedTuple):
    """What every context wants to know of a sentence."""

    tokens: list[_Token]
    begins: list[int]  # of the tokens
    forms: frozenset[str]
    opening: dict[int, int]  # bracket of each closing one, both as tokens
    closing: dict[int, int]


class _Clause(NamedTuple):
    sentence: _Sentence
    phrases: dict[int, _Phrase]  # by each of their tokens

    def words(self, at: int) -> int:
        """1 for a word, 0 for a mark or an elided article ("l'")."""
        form = self.sentence.tokens[at].form
        return int(len(form) > 1 and form[0].isalnum())


class CueRules:
    """The cues of one context in one language, ready to be looked for.

    `keep`: letters that keep their accents in the language, as in `text.normalise`.
    """

    def __init__(self, cues: Cues, keep: str = "") -> None:
        self._reach, self._keep = cues.reach, keep
        roles: dict[tuple[str, ...], int] = defaultdict(int)
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
                roles[tuple(token.form for token in _tokens(phrase, keep))] |= role
        for mark in _CLAUSE_ENDS:
            roles[(mark,)] |= Role.TERMINATION
        negating = Role.PRECEDING | Role.ADJACENT | Role.FOLLOWING
        self._starts = frozenset(forms[0] for forms, role in roles.items() if role & negating)
        self._roles = dict(roles)
        lengths: dict[str, set[int]] = defaultdict(set)
        for forms in roles:
            lengths[forms[0]].add(len(forms))
        # by first word: the lengths of the phrases that begin with it, longest first
        self._lengths = {form: sorted(own, reverse=True) for form, own in lengths.items()}

    def govern(self, text: str, spans: Sequence[tuple[int, int]]) -> list[bool]:
        """For each of the `spans` of terms (offsets in the sentence `text`; in order, not
        overlapping) whether a cue reaches it.
        """
        sentence = _sentence(text, self._keep)
        if not spans or self._starts.isdisjoint(sentence.forms):
            return [False] * len(spans)
        begins = sentence.begins
        # tokens of each term, the last one excluded
        terms = [(bisect_left(begins, start), bisect_left(begins, end)) for start, end in spans]
        clause = _Clause(sentence, self._tagged(sentence, terms))
        return [
            self._from_the_left(clause, first) or self._from_the_right(clause, last)
            for first, last in terms
        ]

    def _tagged(self, sentence: _Sentence, terms: Sequence[tuple[int, int]]) -> dict[int, _Phrase]:
        """The phrases by each of their tokens; of overlapping ones the leftmost, then the longest.

        Terms are opaque: no phrase begins, ends or lies inside one.
        """
        forms = [token.form for token in sentence.tokens]
        for first, last in terms:
            forms[first:last] = [""] * (last - first)
        phrases: dict[int, _Phrase] = {}
        at = 0
        while at < len(forms):
            length = 1
            for tried in self._lengths.get(forms[at], ()):
                role = self._roles.get(tuple(forms[at : at + tried]))
                if role is not None:
                    length = tried
                    phrase = _Phrase(role, at, at + length - 1)
                    phrases.update(dict.fromkeys(range(at, at + length), phrase))
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
                at = clause.sentence.opening.get(at, at) - 1
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
        while at < len(clause.sentence.tokens) and words <= self._reach:
            phrase = clause.phrases.get(at)
            if phrase is None:
                words += clause.words(at)
                at = clause.sentence.closing.get(at, at) + 1
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
        while at < len(clause.sentence.tokens) and words <= _ITEM_WORDS:
            phrase = clause.phrases.get(at)
            role = phrase.role if phrase else Role.NONE
            if role & Role.CLOSER:
                return True
            if role & Role.TERMINATION:
                return False
            words = 0 if role & Role.SEPARATOR else words + clause.words(at)
            at = clause.sentence.closing.get(at, at) + 1
        return False


class Contexts:
    """The contexts that a language has cues for."""

    def __init__(self, cues: Mapping[str, Cues], keep: str = "") -> None:
        self._rules = {name: CueRules(own, keep) for name, own in cues.items()}

    def of_text(self, text: str, spans: Sequence[tuple[int, int]]) -> list[frozenset[str]]:
        """The contexts of each of the `spans` of terms (offsets; in order, not overlapping)."""
        if not spans or not self._rules:
            return [frozenset()] * len(spans)
        ends = [*(mark.end() for mark in _SENTENCE_END.finditer(text)), len(text)]
        contexts: list[frozenset[str]] = []
        at = 0
        while at < len(spans):
            before = bisect_right(ends, spans[at][0])
            begin = ends[before - 1] if before else 0
            # a term may hold a full stop of its own: its sentence ends after it
            number = bisect_left(ends, spans[at][1])
            last = at + 1
            while last < len(spans) and spans[last][1] <= ends[number]:
                last += 1
            contexts += self.of_sentence(
                text[begin : ends[number]],
                [(start - begin, end - begin) for start, end in spans[at:last]],
            )
            at = last
        return contexts

    def of_sentence(self, sentence: str, spans: Sequence[tuple[int, int]]) -> list[frozenset[str]]:
        """The contexts of the `spans` of terms in one sentence (offsets in the sentence)."""
        told = {name: rules.govern(sentence, spans) for name, rules in self._rules.items()}
        return [
            frozenset(name for name, answers in told.items() if answers[at])
            for at in range(len(spans))
        ]


@cache
def contexts_of(language: str) -> Contexts:
    """The contexts that the file of the language, by its code, has cues for.

    Raises:
        UserError: if there is no file for it.
    """
    known = resources(language)
    return Contexts(known.contexts, known.keep_accents)


@lru_cache(maxsize=1)
def _sentence(text: str, keep: str) -> _Sentence:
    """A sentence, which is asked about one context after the other."""
    tokens = [*_tokens(text, keep), _Token("\n", len(text), len(text))]
    opening = dict(_brackets(tokens))
    return _Sentence(
        tokens,
        [token.begin for token in tokens],
        frozenset(token.form for token in tokens),
        opening,
        {begin: end for end, begin in opening.items()},
    )


def _brackets(tokens: Sequence[_Token]) -> Iterator[tuple[int, int]]:
    """Closing and opening one of each pair."""
    opened = []
    for at, token in enumerate(tokens):
        if token.form in _OPENING:
            opened.append(at)
        elif token.form in _CLOSING and opened:
            yield at, opened.pop()


@cache
def _form(word: str, keep: str) -> str:
    return normalise(word, keep)


def _tokens(text: str, keep: str) -> Iterator[_Token]:
    """Words in normal form, numbers, marks, and ends of lines that are ends of a clause.

    Apostrophes, quotation marks and the hyphen inside a word only separate. A line that goes on in
    lower case on the next one was wrapped.
    """
    for found in _TOKEN.finditer(text):
        token = found[0]
        begin, end = found.span()
        if token[0].isalpha():
            yield _Token(_form(token, keep), begin, end)
        elif token[0] == "\n":
            wrapped = token.count("\n") == 1 and text[end : end + 1].islower()
            if not wrapped:
                yield _Token("\n", begin, end)
        elif token in _HYPHENS:
            if not (begin and text[begin - 1].isalnum() and text[end : end + 1].isalnum()):
                yield _Token("-", begin, end)
        elif token not in _SILENT:
            yield _Token(token, begin, end)
