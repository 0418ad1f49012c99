"""The longest word sequences that texts share with other texts: exact, without comparing pairs.

All words become one array. Its suffix array (libdivsufsort) sorts the positions by what follows
them, and beside it stands how many words each position shares with the next one in that order
(Kasai et al. 2001). Positions that begin with equal words stand together, so the longest match of a
position is with the nearest one of the other texts on either side.

Memory is some 90 bytes a word: `longest_runs` takes the texts in blocks, each with all of the
source, so that time grows with blocks x source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.coded import END, Coded, Int32, Int64

Bools = NDArray[np.bool_]

NOBODY = -1  # a source text that is not asked for
BLOCK_WORDS = 20_000_000


@dataclass(frozen=True)
class Runs:
    """Words of the longest run of each text that stands in the source, shape (n_texts,).

    Attributes:
        longest: in the text of any owner.
        owner: an owner without whom there may be none as long; `NOBODY` where there is no run.
        of_others: the longest in the texts of all other owners.
    """

    longest: Int64
    owner: Int64
    of_others: Int64


class Matches:
    """Two corpora, indexed together. A match never reaches over the end of a text."""

    def __init__(self, texts: Coded, source: Coded) -> None:
        from pydivsufsort import divsufsort, kasai  # type: ignore[import-untyped]

        self._n_words = len(texts.numbers)
        numbers = np.concatenate([texts.numbers, source.numbers])
        ends = np.flatnonzero(numbers == END)
        numbers = numbers.astype(np.uint32) + np.uint32(len(ends))
        numbers[ends] = np.arange(len(ends))  # each end is a word of its own
        self._text_of = np.concatenate([texts.text_of, source.text_of])
        self._n_texts = len(texts)
        # the library refuses an empty array
        self._order = divsufsort(numbers) if len(numbers) else np.zeros(0, np.int32)
        # with the position before it in that order; the first one has none
        shared = kasai(numbers, self._order)[:-1] if len(numbers) else np.zeros(0, np.int32)
        self._shared = np.append(0, shared)[: len(numbers)].astype(np.int32)

    def longest(self) -> Int32:
        """Words of the longest run at each position of the texts that stands in the source, shape
        of ``texts.numbers``.
        """
        is_source = self._order >= self._n_words
        asked = ~is_source
        found = np.zeros(self._n_words, dtype=np.int32)
        for way in (slice(None), slice(None, None, -1)):
            words, _ = _shared_with_last(is_source[way], self._towards(way))
            at = self._order[way][asked[way]]
            found[at] = np.maximum(found[at], words[asked[way]])
        return found

    def runs(self, owners: Int64) -> Runs:
        """Of each text, with source texts of these owners (shape (n_source,), `NOBODY`: the text
        does not count).
        """
        asked = self._order < self._n_words
        texts = self._text_of[self._order]
        owner = np.where(asked, NOBODY, np.append(owners, NOBODY)[np.where(asked, -1, texts)])
        sides = [self._last_two(owner, asked, way) for way in (slice(None), slice(None, None, -1))]
        (before, whose, before_others), (after, whose_after, after_others) = sides
        words = np.maximum(before, after)
        best = np.where(before >= after, whose, whose_after)
        others = np.maximum(
            np.where(whose == best, before_others, before),
            np.where(whose_after == best, after_others, after),
        )
        of = texts[asked]
        longest = np.zeros(self._n_texts, dtype=np.int64)
        np.maximum.at(longest, of, words)
        owner_of = np.full(self._n_texts, NOBODY, dtype=np.int64)
        reached = (words == longest[of]) & (words > 0)
        owner_of[of[reached]] = best[reached]
        of_others = np.zeros(self._n_texts, dtype=np.int64)
        np.maximum.at(of_others, of, np.where(best == owner_of[of], others, words))
        return Runs(longest, owner_of, of_others)

    def _towards(self, way: slice) -> Int32:
        """Words that each position shares with the one before it, read in this direction."""
        if way.step is None:
            return self._shared
        return np.append(0, self._shared[:0:-1])[: len(self._shared)].astype(np.int32)

    def _last_two(self, owner: Int64, asked: Bools, way: slice) -> tuple[Int64, Int64, Int64]:
        """Of each position that is asked for: words shared with the last source position before it,
        whose that is, and words shared with the last one of any other owner.
        """
        ordered, shared = owner[way], self._towards(way)
        is_source = ordered >= 0
        words, which = _shared_with_last(is_source, shared)
        words, which = words[asked[way]], which[asked[way]]
        at = np.flatnonzero(is_source)
        if not len(at):
            nothing = np.zeros(len(words), dtype=np.int64)
            return nothing, np.full(len(words), NOBODY), nothing
        # of each source position: words shared with the last one before it of another owner
        between = np.append(0, np.minimum.reduceat(shared[: at[-1] + 1], at[:-1] + 1))[: len(at)]
        group = np.cumsum(np.append(True, np.diff(ordered[at]) != 0))
        other = _least_so_far(between, group)
        first = np.maximum(which, 0)
        whose = np.where(which < 0, NOBODY, ordered[at[first]])
        second = np.where(which < 0, 0, np.minimum(words, other[first]))
        back = slice(None, None, way.step)
        return words[back], whose[back], second[back]


def longest_runs(
    texts: Coded, source: Coded, owners: list[Int64], most_words: int = BLOCK_WORDS
) -> list[Runs]:
    """`Matches.runs` for several choices of owners, the texts in blocks."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    parts: list[list[Runs]] = [[] for _ in owners]
    with tqdm(total=len(texts), desc="copied runs", unit="report", disable=None) as progress:
        for _, block in texts.blocks(most_words):
            matches = Matches(block, source)
            for own, of in zip(parts, owners, strict=True):
                own.append(matches.runs(of))
            progress.update(len(block))
    return [
        Runs(
            *(
                np.concatenate([np.zeros(0, np.int64), *(getattr(run, name) for run in own)])
                for name in ("longest", "owner", "of_others")
            )
        )
        for own in parts
    ]


def _shared_with_last(is_source: Bools, shared: Int32) -> tuple[Int64, Int64]:
    """Words that each position shares with the last one before it that `is_source` (with itself,
    where it is one), 0 where there is none; and which of the sources that is, -1 for none.

    What two positions share is the least that any two neighbours between them share.
    """
    run = np.cumsum(is_source, dtype=np.int64)  # a source and what follows it up to the next one
    least = _least_so_far(np.where(is_source, len(run), shared), run)
    return np.where(run > 0, least, 0), run - 1


def _least_so_far(values: NDArray[Any], group: Int64) -> Int64:
    """Least of the values of a group up to each one; `group` rises."""
    # falling by more than any value from group to group, so that one minimum over all restarts
    fall = group * (int(values.max(initial=0)) + 1)
    return np.asarray(np.minimum.accumulate(values - fall) + fall)
