"""Word sequences that two sets of texts share: exact, for any length, without comparing pairs of
texts.

All texts become one array of word numbers. Its suffix array (libdivsufsort) sorts the positions by
what follows them, and beside it stands how many words each position shares with the next one in
that order (Kasai et al. 2001). Positions that begin with equal words stand together, so n-grams of
any length and the longest match of any position come from these two arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.text.tokens import words

Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Matches:
    """Several corpora, indexed together; corpora are numbered in the order given.

    Words are lower-cased. A match never reaches over the end of a text.
    """

    def __init__(self, *corpora: Sequence[str]) -> None:
        from pydivsufsort import divsufsort, kasai  # type: ignore[import-untyped]

        self._sizes = [len(corpus) for corpus in corpora]
        texts = [words(text.lower()) for corpus in corpora for text in corpus]
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        ends = np.cumsum(lengths + 1) - 1
        self._text_of = np.repeat(np.arange(len(texts)), lengths + 1)
        self._words_left = ends[self._text_of] - np.arange(len(self._text_of))
        numbers = _numbered(texts, len(self._text_of))
        # the library refuses an empty array
        self._order = divsufsort(numbers) if texts else np.zeros(0, np.int32)
        # with the position after it in that order; the last one has none after it
        self._shared = kasai(numbers, self._order)[:-1] if texts else np.zeros(0, np.int32)

    def ngrams(self, corpus: int, n: int) -> tuple[Integers, Integers]:
        """Every n-gram of a corpus: (its number, the text within the corpus it stands in), one
        entry an occurrence.

        Equal n-grams have equal numbers, also across corpora.
        """
        if n < 1:
            raise ValueError(f"an n-gram has at least one word, not {n}")
        numbers = np.zeros(len(self._order), dtype=np.int64)
        numbers[self._order[1:]] = np.cumsum(self._shared < n)
        asked = (self._corpus_of(self._text_of) == corpus) & (self._words_left >= n)
        return numbers[asked], self._text_of[asked] - sum(self._sizes[:corpus])

    def longest_runs(self, corpus: int, source: int) -> Integers:
        """Of each text of `corpus`: words of its longest run that stands in a text of `source`."""
        runs = np.zeros(self._sizes[corpus], dtype=np.int64)
        texts = self._text_of[self._order]
        of = self._corpus_of(texts)
        texts -= sum(self._sizes[:corpus])
        asked, is_source = of == corpus, of == source
        # the longest match of a position is with the nearest one of the source on either side
        shared = np.append(0, self._shared)
        np.maximum.at(runs, texts[asked], _shared_with_last(is_source, shared)[asked])
        shared = np.append(0, self._shared[::-1])
        after = _shared_with_last(is_source[::-1], shared)[::-1]
        np.maximum.at(runs, texts[asked], after[asked])
        return runs

    def _corpus_of(self, texts: Integers) -> Integers:
        return np.searchsorted(np.cumsum(self._sizes), texts, side="right")


def _numbered(texts: Sequence[Sequence[str]], size: int) -> NDArray[np.uint32]:
    """The words of all texts as numbers, each text followed by one that stands nowhere else: no
    match can run across it. Shape (size,).
    """
    vocabulary: dict[str, int] = {}
    numbers = (
        number
        for index, text in enumerate(texts)
        for number in (
            *(len(texts) + vocabulary.setdefault(word, len(vocabulary)) for word in text),
            index,
        )
    )
    return np.fromiter(numbers, dtype=np.uint32, count=size)


def _shared_with_last(is_source: Bools, shared: Integers) -> Integers:
    """Words that each position shares with the last one before it that `is_source`; 0 where there
    is none. `shared`: with the one just before it.

    What two positions share is the least that any two neighbours between them share.
    """
    run = np.cumsum(is_source)  # a source and what follows it up to the next one
    # falling by more than any length from run to run, so that one minimum over all restarts in each
    fall = run * (len(run) + 1)
    least = np.minimum.accumulate(np.where(is_source, len(run), shared) - fall) + fall
    return np.where(run > 0, least, 0)
