"""Word sequences that two sets of texts share: exact, for any length, without comparing pairs of
texts.

All texts become one array of word numbers, and a suffix array of it (Manber & Myers 1990, by prefix
doubling) ranks every position by what follows. Equal ranks at depth k mean equal next 2^k words, so
n-grams of any length and the longest match of any position come from the same few arrays: O(N log N
log L) for N words, L the longest text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Ranks = NDArray[np.int32]  # fewer than 2^31 words; there is one array a depth


class Matches:
    """Several corpora, indexed together; corpora are numbered in the order given.

    Words are what stands between white space, lower-cased, so that numbers and signs count. A match
    never reaches over the end of a text.
    """

    def __init__(self, *corpora: Sequence[str]) -> None:
        self._sizes = [len(corpus) for corpus in corpora]
        texts = [text.lower().split() for corpus in corpora for text in corpus]
        vocabulary: dict[str, int] = {}
        lengths = np.array([len(words) for words in texts], dtype=np.int64)
        # each text ends with a number that no other has: no match can run across it
        numbered = [
            [*(vocabulary.setdefault(word, len(vocabulary)) for word in words), -1 - index]
            for index, words in enumerate(texts)
        ]
        flat = np.fromiter((number for words in numbered for number in words), dtype=np.int64)
        self._text_of = np.repeat(np.arange(len(texts)), lengths + 1)
        ends = np.cumsum(lengths + 1) - 1
        self._words_left = (
            ends[self._text_of] - np.arange(len(flat)) if len(flat) else np.zeros(0, np.int64)
        )
        self._ranks = _doubled(flat, int(lengths.max(initial=0)) + 1)

    def ngrams(self, corpus: int, n: int) -> tuple[Integers, Integers]:
        """Every n-gram of a corpus: (its number, the text within the corpus it stands in), one
        entry an occurrence.

        Equal n-grams have equal numbers, also across corpora.
        """
        if n < 1:
            raise ValueError(f"an n-gram has at least one word, not {n}")
        depth = n.bit_length() - 1
        numbers = np.full(len(self._text_of), -1, dtype=np.int64)
        whole = np.flatnonzero(self._words_left >= n)
        if whole.size:
            # the first and the last 2^depth words, which overlap, say what the n words are
            head = self._ranks[depth][whole].astype(np.int64)
            tail = self._ranks[depth][whole + n - 2**depth]
            numbers[whole] = head * len(numbers) + tail
        inside = whole[self._corpus_of(whole) == corpus]
        return numbers[inside], self._text_of[inside] - sum(self._sizes[:corpus])

    def longest_runs(self, corpus: int, source: int) -> Integers:
        """Words of the longest run that each text of `corpus` shares with any text of `source`,
        shape (n_texts,).
        """
        runs = np.zeros(self._sizes[corpus], dtype=np.int64)
        order = np.argsort(
            self._ranks[-1], kind="stable"
        )  # all suffixes differ: this is the suffix array
        of = self._corpus_of(order)
        places = np.arange(len(order))
        is_source = of == source
        asked = of == corpus
        before = np.maximum.accumulate(np.where(is_source, places, -1))
        after = np.minimum.accumulate(np.where(is_source, places, len(order))[::-1])[::-1]
        # the longest match of a suffix is with one of its two neighbours in the source
        for neighbour in (before, after):
            there = asked & (neighbour >= 0) & (neighbour < len(order))
            position, match = order[there], order[neighbour[there]]
            texts = self._text_of[position] - sum(self._sizes[:corpus])
            np.maximum.at(runs, texts, self._common(position, match))
        return runs

    def _common(self, one: Integers, other: Integers) -> Integers:
        """Words that follow alike at two positions, by descending through the depths."""
        length = np.zeros(len(one), dtype=np.int64)
        for depth in range(len(self._ranks) - 1, -1, -1):
            ranks = self._ranks[depth]
            left, right = one + length, other + length
            inside = np.maximum(left, right) < len(ranks)
            same = np.zeros(len(one), dtype=np.bool_)
            same[inside] = ranks[left[inside]] == ranks[right[inside]]
            length[same] += 2**depth
        return length

    def _corpus_of(self, positions: Integers) -> Integers:
        starts = np.cumsum([0, *self._sizes])
        return np.searchsorted(starts, self._text_of[positions], side="right") - 1


def _doubled(numbers: Integers, longest: int) -> list[Ranks]:
    """Rank of each position by its next 1, 2, 4, ... words, up to the first power of two >=
    `longest`.
    """
    ranks = [np.unique(numbers, return_inverse=True)[1].astype(np.int32)]
    width = 1
    while width < longest:
        now = ranks[-1].astype(np.int64)
        following = np.zeros_like(now)  # 0: the array has ended
        following[:-width] = now[width:] + 1
        pairs = now * (len(now) + 1) + following
        ranks.append(np.unique(pairs, return_inverse=True)[1].astype(np.int32))
        width *= 2
    return ranks
