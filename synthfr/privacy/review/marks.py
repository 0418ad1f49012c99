"""What two texts share, word by word: long runs that stand in both, and words that differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal, NamedTuple

Mark = Literal["run", "same", "other"]
MOST_WORDS = 2_000  # of a text, that are shown: difflib's time grows with their square
_WORD = re.compile(r"\S+")


class Piece(NamedTuple):
    """A stretch of a text with one mark, white space included.

    `mark`: "run" stands in the other text as part of a run of n words or more, "same" at the
    place that corresponds, "other" does not.
    """

    text: str
    mark: Mark


class Marked(NamedTuple):
    """A text in pieces; `left_out` words at its end are not shown."""

    pieces: list[Piece]
    left_out: int


def marked(one: str, other: str, run_words: int) -> tuple[Marked, Marked]:
    """Both texts with their marks. Words are compared in lower case; a run counts wherever it
    stands, other words only in the order of the two texts.
    """
    spans = [[match.span() for match in _WORD.finditer(text)] for text in (one, other)]
    shown = [all_of[:MOST_WORDS] for all_of in spans]
    words = [
        [text[start:end].lower() for start, end in those]
        for text, those in zip((one, other), shown, strict=True)
    ]
    marks: list[list[Mark]] = [["other"] * len(those) for those in words]
    # frequent words anchor nothing in long texts: a model that repeats itself would take minutes
    aligned = SequenceMatcher(None, words[0], words[1]).get_matching_blocks()
    for begin, begin_other, size in aligned:
        marks[0][begin : begin + size] = ["same"] * size
        marks[1][begin_other : begin_other + size] = ["same"] * size
    for at in (0, 1):
        for place in _in_runs(words[at], words[1 - at], run_words):
            marks[at][place] = "run"
    return (
        Marked(_pieces(one, shown[0], marks[0]), len(spans[0]) - len(shown[0])),
        Marked(_pieces(other, shown[1], marks[1]), len(spans[1]) - len(shown[1])),
    )


def _in_runs(words: Sequence[str], others: Sequence[str], n: int) -> set[int]:
    """Places of words that belong to n in a row which stand among the others, too."""
    known = {tuple(others[at : at + n]) for at in range(len(others) - n + 1)}
    return {
        at + within
        for at in range(len(words) - n + 1)
        if tuple(words[at : at + n]) in known
        for within in range(n)
    }


def _pieces(text: str, spans: Sequence[tuple[int, int]], marks: Sequence[Mark]) -> list[Piece]:
    """Neighbours of one mark together; the white space between two belongs to the first."""
    pieces = []
    place = 0
    for mark, group in groupby(range(len(spans)), key=lambda at: marks[at]):
        last = list(group)[-1]
        end = spans[last + 1][0] if last + 1 < len(spans) else spans[last][1]
        pieces.append(Piece(text[place:end], mark))
        place = end
    return pieces
