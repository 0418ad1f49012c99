"""A report in other words: the leak that copies no passage, for detection limits alone.

Sentences and lists change their order, numbers are a little off, terms give way to other names of
the same code, long words are cut short. What is reworded so is planted into an audited set and
thrown away; it says the same of the patient, so it is as private as the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from synthfr import seeding
from synthfr.section import Section, Share
from synthfr.text import language_resources

_SENTENCE_ENDS = re.compile(r"(\s*\n\s*|(?<=[.!?])[ \t]+(?=[^\W\d_]))")
_LIST_SEPARATORS = re.compile(r"([,;][ \t]+)")
_LONGEST_ITEM = 5  # words: what is longer is a clause, not an item of a list
_FEWEST_ITEMS = 3
_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"(?<![\w.,])\d{1,15}(?:[.,]\d{1,15})?(?!\w)")
_LONGEST_TERM = 6  # words
_FARTHEST = 9  # in units of a number's last digit
_CUT = re.compile(r"(?<![\w.-])([^\W\d_]{4})[^\W\d_]{4,}(?![\w.-])")  # to four letters and a dot


class Rewording(Section):
    """Parameters `privacy.rewording`: see the comments in params.yaml."""

    sentences: Share = 0.5
    words: Share = 0.2


class _Change(NamedTuple):
    start: int  # in the text
    end: int
    instead: str


class Reworder:
    """Rewords reports.

    Args:
        settings: how much is touched.
        names: the names of each code, as in ``icd10.names.names(codes).values()``: within a code
            one stands for another.
    """

    def __init__(self, settings: Rewording, names: Iterable[Sequence[str]] = ()) -> None:
        self._settings = settings
        self._names = [tuple(dict.fromkeys(group)) for group in names]
        self._instead_of: dict[str, dict[str, tuple[str, ...]]] = {}  # by language

    def __call__(self, text: str, language: str, random_seed: int) -> str:
        """The report in other words: the same for the same seed, which names the draw."""
        rng = seeding.rng(random_seed, "rewording")
        # sentences first: the dot of a word cut short ends none
        text = _reordered(text, self._settings.sentences, rng)
        return self._in_other_words(text, language, rng)

    def _in_other_words(self, text: str, language: str, rng: np.random.Generator) -> str:
        """Changes up to a share `words` of the words: numbers and terms as they come, and long
        words where these do not suffice.
        """
        left = round(self._settings.words * len(_WORD.findall(text)))
        terms = list(self._terms(text, language, rng))
        in_terms = bytearray(len(text))
        for one in terms:
            in_terms[one.start : one.end] = b"1" * (one.end - one.start)
        # the 2 of a diabetes is no measurement
        numbers = [one for one in _numbers(text, rng) if not any(in_terms[one.start : one.end])]
        meant = [*numbers, *terms]
        chosen: list[_Change] = []
        taken = bytearray(len(text))
        for changes in (meant, list(_cut(text))):
            for at in rng.permutation(len(changes)):
                one = changes[at]
                n_words = len(text[one.start : one.end].split())
                if n_words <= left and not any(taken[one.start : one.end]):
                    chosen.append(one)
                    taken[one.start : one.end] = b"1" * (one.end - one.start)
                    left -= n_words
        pieces, place = [], 0
        for change in sorted(chosen):
            pieces += [text[place : change.start], change.instead]
            place = change.end
        return "".join([*pieces, text[place:]])

    def _terms(self, text: str, language: str, rng: np.random.Generator) -> Iterator[_Change]:
        """Names of codes, the longest at each place, with another name of the same code."""
        known = self._other_names(language)
        normalise = language_resources.language(language).normalise
        for line in re.finditer(r"[^\n]+", text):
            words = [one.span() for one in re.finditer(r"[^\W_]+", line.group())]
            first = 0
            while first < len(words):
                longest = min(first + _LONGEST_TERM, len(words))
                after = first + 1
                for last in range(longest, first, -1):
                    start, end = words[first][0], words[last - 1][1]
                    written = line.group()[start:end]
                    if others := known.get(normalise(written)):
                        instead = _cased(others[rng.integers(len(others))], written)
                        yield _Change(line.start() + start, line.start() + end, instead)
                        after = last
                        break
                first = after

    def _other_names(self, language: str) -> dict[str, tuple[str, ...]]:
        """By the normal form of a name: the other ones of its code."""
        if language not in self._instead_of:
            normalise = language_resources.language(language).normalise
            known: dict[str, tuple[str, ...]] = {}
            for group in self._names:
                for name in group:
                    form = normalise(name)
                    others = tuple(one for one in group if normalise(one) != form)
                    if form and others:
                        known.setdefault(form, others)
            self._instead_of[language] = known
        return self._instead_of[language]


def _numbers(text: str, rng: np.random.Generator) -> Iterator[_Change]:
    """Each number a tenth off or less, and by its last digit at least; 04 stays of two digits."""
    for match in _NUMBER.finditer(text):
        written = match.group()
        digits = re.sub(r"\D", "", written)
        value = int(digits)
        off = min(max(1, round(value * rng.uniform(0.02, 0.1))), _FARTHEST)
        up = value - off < 1 or rng.random() < 0.5
        decimals = len(written.replace(",", ".").partition(".")[2])
        width = len(digits) if digits.startswith("0") else decimals + 1
        moved = str(value + off if up else value - off).zfill(width)
        if decimals:
            moved = moved[:-decimals] + re.sub(r"\d", "", written) + moved[-decimals:]
        yield _Change(*match.span(), moved)


def _cut(text: str) -> Iterator[_Change]:
    """Long words in lower case, as wards write them: ``"hypertension"`` to ``"hype."``."""
    for match in _CUT.finditer(text):
        if match.group().islower():
            yield _Change(*match.span(), f"{match[1]}.")


def _reordered(text: str, share: float, rng: np.random.Generator) -> str:
    """A share of the sentences and lines, and of the lists in them, in another order; what stands
    between them stays in its place.
    """
    pieces = _SENTENCE_ENDS.split(text)
    sentences = [_list_reordered(one, share, rng) for one in pieces[::2]]
    _move(sentences, share, rng)
    pieces[::2] = sentences
    return "".join(pieces)


def _list_reordered(sentence: str, share: float, rng: np.random.Generator) -> str:
    head, colon, rest = sentence.rpartition(": ")
    end = re.search(r"[.!?]*\s*$", rest)
    stop = end.start() if end else len(rest)
    pieces = _LIST_SEPARATORS.split(rest[:stop])
    items = pieces[::2]
    is_list = len(items) >= _FEWEST_ITEMS and all(
        0 < len(item.split()) <= _LONGEST_ITEM for item in items
    )
    if not is_list or rng.random() >= share:
        return sentence
    _move(items, 1.0, rng)
    pieces[::2] = items
    return f"{head}{colon}{''.join(pieces)}{rest[stop:]}"


def _move(items: list[str], share: float, rng: np.random.Generator) -> None:
    """A share of the items change places, each of these with the next in a drawn order: none of
    them stays.
    """
    n_moved = round(share * len(items))
    if n_moved < 2:
        return
    places = rng.permutation(len(items))[:n_moved]
    moved = [items[at] for at in np.roll(places, 1)]
    for at, item in zip(places, moved, strict=True):
        items[at] = item


def _cased(name: str, like: str) -> str:
    """With a capital where the name that it replaces has one, abbreviations as they are."""
    return name[:1].upper() + name[1:] if like[:1].isupper() and not like.isupper() else name
