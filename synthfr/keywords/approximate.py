"""Approximate dictionary look-up: every known string within a Jaccard similarity of a query.

The result is SimString's (Okazaki & Tsujii 2010, "Simple and Efficient Algorithm for Approximate
Dictionary Matching"): character 3-grams without begin and end marks, repeats counted (the second
``ana`` of ``banana`` is a feature of its own), strings under three characters padded. The library
takes three times as long over the full CIM-10 and miscounts repeats in Unicode mode; here a prefix
filter (Chaudhuri et al. 2006) and bit signatures run over whole arrays. Tests compare both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_N = 3
_PAD = "\x01"
_CODE_POINTS = 0x110000
_BLOCK_STRINGS = 8192  # whose features are made together, and
_CHUNK_PAIRS = 500_000  # candidate pairs looked at together: both bound memory to some 50 MB
_ROUNDING = 1e-9  # of a bound that is a whole number, e.g. 0.8 * 10


@dataclass(frozen=True)
class _Features:
    """The features of many strings, string by string, and inside a string from rare to frequent."""

    feature: npt.NDArray[np.int32]  # below 0: a 3-gram that no known string has
    size: Ints  # of each string: number of features
    start: Ints  # of each string: where its features begin; one more for the end
    signature: Words  # of each string: one bit per feature, hashed
    prefix_owner: Ints  # of each feature that may decide (see `_decisive`): the string's index
    prefix: Ints  # and the feature


class JaccardIndex:
    """Finds known strings by similarity.

    Args:
        strings: the known strings, all different.
        threshold: smallest Jaccard similarity, in (0, 1].
    """

    def __init__(self, strings: Sequence[str], threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise ValueError(f"a Jaccard threshold lies in (0, 1], not at {threshold}")
        self._threshold = threshold
        self._place = np.zeros(_CODE_POINTS, np.int64)  # 0: not in any known string
        alphabet = sorted(set().union(_PAD, *strings))
        self._place[[ord(character) for character in alphabet]] = np.arange(1, len(alphabet) + 1)
        self._base = len(alphabet) + 1
        self._vocabulary, self._rank = self._ranked(strings)
        self._known = known = self._features(strings)
        self._largest = int(known.size.max(initial=0))
        place = self._key(known.prefix, known.size[known.prefix_owner])
        order = np.argsort(place, kind="stable")
        self._posting_key, self._posting = place[order], known.prefix_owner[order]

    def matches(self, queries: Sequence[str]) -> Iterator[tuple[int, int, float]]:
        """(query index, known string's index, similarity) for every pair at or above the threshold.

        Ordered by query, then by known string.
        """
        if not queries or not len(self._posting):
            return
        asked, known = self._features(queries), self._known
        for query, string in self._candidates(asked):
            ours = asked.feature[asked.start[query] : asked.start[query + 1]]
            theirs = known.feature[known.start[string] : known.start[string + 1]]
            shared = len(np.intersect1d(ours, theirs, assume_unique=True))
            similarity = shared / (len(ours) + len(theirs) - shared)
            if similarity >= self._threshold - _ROUNDING:
                yield query, string, similarity

    def _ranked(self, strings: Sequence[str]) -> tuple[Ints, Ints]:
        """All 3-grams of the known strings, in order of their codes, and their ranks by rarity."""
        blocks = [
            np.unique(self._grams(block)[1], return_counts=True) for block in _blocks(strings)
        ]
        vocabulary, at = np.unique(
            np.concatenate([grams for grams, _ in blocks]), return_inverse=True
        )
        count = np.bincount(at, np.concatenate([counts for _, counts in blocks]))
        rank = np.empty(len(vocabulary), np.int64)
        rank[np.argsort(count, kind="stable")] = np.arange(len(vocabulary))
        return vocabulary, rank

    def _grams(self, strings: Sequence[str]) -> tuple[Ints, Ints, Ints]:
        """Owner and code of every 3-gram, and each string's number of them."""
        padded = [string.ljust(_N, _PAD) for string in strings]
        size = np.fromiter(map(len, padded), np.int64, len(padded)) - (_N - 1)
        points = np.frombuffer("".join(padded).encode("utf-32-le"), np.uint32)
        place = self._place[points]
        owner = np.repeat(np.arange(len(padded)), size)
        first = np.arange(len(owner)) + (_N - 1) * owner  # no 3-gram starts on the last two places
        gram = (place[first] * self._base + place[first + 1]) * self._base + place[first + 2]
        return owner, gram, size

    def _features(self, strings: Sequence[str]) -> _Features:
        parts = [self._block_features(block) for block in _blocks(strings)]
        size = np.concatenate([part.size for part in parts])
        return _Features(
            np.concatenate([part.feature for part in parts]),
            size,
            np.r_[0, np.cumsum(size)],
            np.concatenate([part.signature for part in parts]),
            np.concatenate(
                [part.prefix_owner + at * _BLOCK_STRINGS for at, part in enumerate(parts)]
            ),
            np.concatenate([part.prefix for part in parts]),
        )

    def _block_features(self, strings: Sequence[str]) -> _Features:
        """Rank 3-grams by rarity and number repeats: feature = repeat * vocabulary + rank."""
        owner, gram, size = self._grams(strings)
        n_known = len(self._vocabulary)
        at = np.minimum(np.searchsorted(self._vocabulary, gram), n_known - 1)
        rank = np.where(self._vocabulary[at] == gram, self._rank[at], -1)
        key = np.sort(owner * (n_known + 1) + rank + 1)  # unknown ones first: the rarest there are
        rank = key % (n_known + 1) - 1
        index = np.arange(len(key))
        fresh = np.r_[True, key[1:] != key[:-1]]
        repeat = index - np.maximum.accumulate(np.where(fresh, index, 0))
        feature = np.where(rank < 0, -1 - repeat, repeat * n_known + rank)
        start = np.r_[0, np.cumsum(size)]
        decisive = self._decisive(owner, start, size)
        return _Features(
            feature.astype(np.int32),
            size,
            start,
            _signatures(feature, start),
            owner[decisive],
            feature[decisive],
        )

    def _decisive(self, owner: Ints, start: Ints, size: Ints) -> Flags:
        """Which features may decide: two similar strings share one of their rarest ones.

        A string of n features shares at least ceil(t n) of them with any similar one, so that the
        first n - ceil(t n) + 1 of both, in one order for all, cannot be wholly different.
        """
        prefix = size - _at_least(self._threshold * size) + 1
        return np.asarray(np.arange(len(owner)) - start[owner] < prefix[owner])

    def _key(self, feature: Ints, size: Ints) -> Ints:
        return feature * (self._largest + 2) + size

    def _candidates(self, asked: _Features) -> list[tuple[int, int]]:
        """Pairs that pass the prefix, size and signature filters: few more than the true ones."""
        threshold, size = self._threshold, asked.size
        known = asked.prefix >= 0
        query, feature = asked.prefix_owner[known], asked.prefix[known]
        smallest = _at_least(threshold * size)[query]
        largest = np.minimum(np.floor(size / threshold + _ROUNDING), self._largest)
        first = np.searchsorted(self._posting_key, self._key(feature, smallest))
        last = np.searchsorted(
            self._posting_key, self._key(feature, largest.astype(np.int64)[query]), side="right"
        )
        count = np.maximum(last - first, 0)
        found: set[tuple[int, int]] = set()
        total = np.cumsum(count)
        begin = 0
        while begin < len(count):
            done = total[begin] - count[begin]
            end = max(int(np.searchsorted(total, done + _CHUNK_PAIRS)), begin + 1)
            here = count[begin:end]
            left = np.repeat(query[begin:end], here)
            skipped = np.repeat(np.cumsum(here) - here - first[begin:end], here)
            right = self._posting[np.arange(len(left)) - skipped]
            passed = self._similar_enough(asked, left, right)
            found.update(zip(left[passed].tolist(), right[passed].tolist(), strict=True))
            begin = end
        return sorted(found)

    def _similar_enough(self, asked: _Features, left: Ints, right: Ints) -> Flags:
        """False only where the signatures prove that too few features are shared."""
        ours, theirs = asked.signature[left], self._known.signature[right]
        sizes = asked.size[left] + self._known.size[right]
        shared = _at_least(self._threshold / (1 + self._threshold) * sizes)
        ours_alone = np.bitwise_count(ours & ~theirs)
        theirs_alone = np.bitwise_count(theirs & ~ours)
        return np.asarray(
            (asked.size[left] - ours_alone >= shared)
            & (self._known.size[right] - theirs_alone >= shared)
        )


def _blocks(strings: Sequence[str]) -> list[Sequence[str]]:
    """At least one, so that no strings are no special case."""
    return [strings[at : at + _BLOCK_STRINGS] for at in range(0, len(strings), _BLOCK_STRINGS)] or [
        []
    ]


def _signatures(feature: Ints, start: Ints) -> Words:
    """64 bits a string: the union of its features' bits (multiplicative hashing, Knuth 6.4)."""
    mixed = feature.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58)
    bits = np.uint64(1) << mixed
    return np.asarray(np.bitwise_or.reduceat(bits, start[:-1]))


def _at_least(bound: npt.NDArray[np.floating[Any]]) -> Ints:
    return np.asarray(np.ceil(bound - _ROUNDING), np.int64)
