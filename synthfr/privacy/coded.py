"""Texts as arrays of word numbers, so that corpora of tens of millions of words are compared by
array operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

END = -1  # stands after each text and equals no word: nothing that is found runs over it


@dataclass(frozen=True)
class Coded:
    """Texts as word numbers.

    Attributes:
        numbers: of all words in order, `END` after each text, shape (n_words + n_texts,).
        starts: where each text begins in `numbers`, and the end of the last, shape (n_texts + 1,).
    """

    numbers: Int32
    starts: Int64

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Int64:
        """Words of each text, shape (n_texts,)."""
        return np.diff(self.starts) - 1

    @property
    def text_of(self) -> Int32:
        """Number of the text that each position is in, shape (n_words + n_texts,)."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    def blocks(self, most_words: int) -> Iterator[tuple[slice, Coded]]:
        """Consecutive texts that together have at most so many words (or are one long text), and
        which texts they are.
        """
        first = 0
        while first < len(self):
            limit = self.starts[first] + most_words
            last = max(int(np.searchsorted(self.starts, limit, side="right")) - 1, first + 1)
            begin, end = self.starts[first], self.starts[last]
            yield (
                slice(first, last),
                Coded(self.numbers[begin:end], self.starts[first : last + 1] - begin),
            )
            first = last


class Vocabulary:
    """Numbers words in the order in which they are met; equal words have equal numbers in all
    texts that one vocabulary codes.
    """

    def __init__(self, split: Callable[[str], list[str]]) -> None:
        self._split = split
        self._numbers = _Numbers()

    def code(self, texts: Sequence[str]) -> Coded:
        """The texts as numbers of their words."""
        number, coded = self._numbers.__getitem__, []
        for text in texts:
            found = self._split(text)
            own = np.full(len(found) + 1, END, dtype=np.int32)
            own[:-1] = np.fromiter(map(number, found), dtype=np.int32, count=len(found))
            coded.append(own)
        starts = np.cumsum([0, *map(len, coded)], dtype=np.int64)
        return Coded(np.concatenate([np.zeros(0, np.int32), *coded]), starts)


class _Numbers(dict[str, int]):
    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number
