"""Word n-grams as numbers: exact, and linear in the words.

The n-grams of one corpus are numbered by doubling: a pair of numbered 1-grams is a 2-gram, a pair
of 2-grams a 4-gram, and a 5-gram the pair of its first and its last 4-gram (after Karp, Miller and
Rosenberg 1972). Other texts are looked up, level by level: what is not in the corpus ends there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.coded import Coded, Int32, Int64

if TYPE_CHECKING:
    import pandas as pd

NONE = -1  # no n-gram begins here, or none that the corpus has


class Ngrams:
    """The different n-grams of a corpus.

    Attributes:
        ids: number of the n-gram that begins at each position of the corpus (`NONE` where fewer
            than n words are left of the text), shape of ``corpus.numbers``.
        size: how many different ones there are; their numbers are 0 up to it.
    """

    def __init__(self, corpus: Coded, n: int) -> None:
        import pandas as pd

        if n < 1:
            raise ValueError(f"an n-gram has at least one word, not {n}")
        self._words = int(corpus.numbers.max(initial=-1)) + 1
        self._levels: list[tuple[int, int, pd.Index[int]]] = []
        ids, size, length = corpus.numbers, self._words, 1
        while length < n:
            longer = min(2 * length, n)
            at, keys = _pairs(ids, longer - length, size)
            numbers, known = pd.factorize(keys)
            self._levels.append((longer - length, size, pd.Index(known)))
            ids = _placed(at, numbers, len(ids))
            size, length = len(known), longer
        self.ids: Int32 = ids
        self.size = size

    def look_up(self, numbers: Int32) -> Int32:
        """Number of the n-gram at each position of other texts (coded by the same vocabulary);
        `NONE` where the corpus does not have it.
        """
        ids = np.where(numbers < self._words, numbers, NONE).astype(np.int32)
        for shift, size, known in self._levels:
            at, keys = _pairs(ids, shift, size)
            ids = _placed(at, known.get_indexer(keys), len(ids))  # type: ignore[arg-type]
        return ids


def counted(ids: Int32, owners: Int32, n_owners: int) -> tuple[Int64, Int64, Int64]:
    """Different n-grams of each owner of positions (a text, a patient), sorted by owner: (owners,
    n-grams, how often that owner has that n-gram). Positions with id `NONE` or a negative owner do
    not count.
    """
    there = (ids >= 0) & (owners >= 0)
    size = int(ids.max(initial=0)) + 1
    keys = owners[there].astype(np.int64) * size + ids[there]
    keys, times = np.unique(keys, return_counts=True)
    return keys // size, keys % size, times


def patients_with(ids: Int32, patients: Int32, n_ngrams: int) -> tuple[Int64, Int64]:
    """Of each n-gram: how many patients have it, and which one where it is a single one (-1
    elsewhere). Positions with a negative patient do not count.
    """
    owners, grams, _ = counted(ids, patients, int(patients.max(initial=0)) + 1)
    n_patients = np.bincount(grams, minlength=n_ngrams)
    only = np.full(n_ngrams, -1, dtype=np.int64)
    only[grams] = owners
    only[n_patients != 1] = -1
    return n_patients, only


def covered(begins: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Positions that lie in a run of n that begins at a marked one."""
    inside = begins.copy()
    for shift in range(1, n):
        inside[shift:] |= begins[:-shift]
    return inside


def n_different(corpus: Coded, n: int) -> int:
    """How many different n-grams a corpus has, counted by 64-bit hashes: among 50 million, the
    chance that any two share one is 7 in 100 000.
    """
    found = [np.zeros(0, np.uint64)]
    for _, block in corpus.blocks(4_000_000):
        hashes, whole = hashed(block.numbers, n)
        found.append(hashes[whole])
    together = np.concatenate(found)
    together.sort()
    return int(len(together) > 0) + int((together[1:] != together[:-1]).sum())


def hashed(numbers: Int32, n: int) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """64-bit hash of the n words from each position on, and whether they are of one text. Shape of
    both: (n_positions,) or, where fewer than n positions are left, none.
    """
    words = _mixed(numbers.astype(np.uint64))
    size = max(len(words) - n + 1, 0)
    hashes, whole = np.zeros(size, dtype=np.uint64), np.ones(size, dtype=np.bool_)
    for place in range(n):
        hashes = _mixed(hashes * _FACTOR + words[place : place + size])
        whole &= numbers[place : place + size] >= 0
    return hashes, whole


_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of the result depends on every bit of the value (splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _pairs(ids: Int32, shift: int, size: int) -> tuple[Int64, Int64]:
    """Where both a number and the one `shift` further on are there, and the pair as one number."""
    left, right = ids[: max(len(ids) - shift, 0)], ids[shift:]
    at = np.flatnonzero((left >= 0) & (right >= 0))
    return at, left[at].astype(np.int64) * size + right[at]


def _placed(at: Int64, numbers: NDArray[np.int64], size: int) -> Int32:
    placed = np.full(size, NONE, dtype=np.int32)
    placed[at] = numbers
    return placed
