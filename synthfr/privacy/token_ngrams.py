"""The n-grams of given texts, numbered; and where in other texts they stand.

N-grams that private reports do not hold say nothing about them and are not kept: memory goes with
the private side, whatever the number of synthetic texts. For a language model: every order, each
n-gram known by its context. `ngrams` has those of one length, in fewer steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.text.tokens import words_and_signs

Integers = NDArray[np.int64]

_END = "\n"  # the end of a text; no token within one is equal to it


class NgramsByOrder:
    """All n-grams of 1 to `order` tokens in `texts`; the end of a text is a token too.

    Each order has numbers of its own. An n-gram is known by the number of its context (its tokens
    but the last) and its last token, so that it is found exactly, without hashes.

    Attributes:
        sizes: different n-grams of each order, shortest first.
    """

    def __init__(self, texts: Sequence[str], order: int) -> None:
        split = [words_and_signs(text) for text in texts]
        names = sorted({_END, *(token for text in split for token in text)})
        self._numbers = {name: number for number, name in enumerate(names)}
        self._keys: list[Integers] = []  # of each order from 2 on, sorted
        last, first = self._stream(split)
        found = last
        for _ in range(order - 1):
            keys = self._key(_before(found, first), last)
            self._keys.append(np.unique(keys[keys >= 0]))
            found = _numbered(keys, self._keys[-1])
        self.sizes = (len(names), *map(len, self._keys))

    def stand_in(self, texts: Sequence[str]) -> tuple[Integers, Integers, Integers]:
        """Of every token of `texts`, their ends counted: which n-grams end with it.

        Returns the number of its n-gram of each order and that of the n-gram's context, shapes
        (order, n_tokens), -1 where it is none of ours or would begin before its text (the context
        of a single token, which is none, is 0); and the text that it stands in, shape (n_tokens,).
        """
        last, first = self._stream([words_and_signs(text) for text in texts])
        found, contexts = [last], [np.zeros_like(last)]
        for keys in self._keys:
            contexts.append(_before(found[-1], first))
            found.append(_numbered(self._key(contexts[-1], last), keys))
        return np.array(found), np.array(contexts), np.cumsum(first) - 1

    def _stream(self, split: Sequence[Sequence[str]]) -> tuple[Integers, NDArray[np.bool_]]:
        """Tokens of all texts as numbers, -1 where unknown; and which ones are a text's first."""
        lengths = np.array([len(text) + 1 for text in split], dtype=np.int64)
        first = np.zeros(lengths.sum(), dtype=np.bool_)
        first[np.cumsum(lengths) - lengths] = True
        numbers = (self._numbers.get(token, -1) for text in split for token in (*text, _END))
        return np.fromiter(numbers, dtype=np.int64, count=len(first)), first

    def _key(self, contexts: Integers, last: Integers) -> Integers:
        keys = contexts * len(self._numbers) + last
        return np.where((contexts >= 0) & (last >= 0), keys, -1)


def _before(found: Integers, first: NDArray[np.bool_]) -> Integers:
    """What was found at the token before, within the same text; else -1."""
    return np.where(first, -1, np.concatenate([[-1], found[:-1]]))[: len(found)]


def _numbered(keys: Integers, known: Integers) -> Integers:
    """Positions of `keys` in the sorted `known`, -1 where they are not."""
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where((keys >= 0) & (known[at] == keys), at, -1) if len(known) else keys * 0 - 1
