"""Synthetic reports that are nearly a private one: few words changed, in order or not.

Two reports are near-duplicates if the Jaccard index of their sets of different 5-grams reaches a
threshold. MinHash (Broder 1997; the library rensa) finds candidates in time linear in the reports:
two sets agree in a hash with a probability of their Jaccard index, so that with 32 bands of 4
hashes a pair at 0.7 is a candidate with probability 0.9998, one at 0.1 with 0.003. Each candidate
is then compared exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy.best_match import Index
from synthfr.privacy.coded import Coded, Int64
from synthfr.privacy.ngrams import hashed

BANDS, ROWS = 32, 4
_BLOCK_WORDS = 2_000_000
_PAIRS = 20_000  # compared at once
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Digests = NDArray[np.uint32]


def near_duplicates(
    index: Index, texts: Coded, threshold: float, random_seed: int
) -> tuple[Int64, Int64]:
    """Pairs of a text and a private report whose Jaccard index is at least `threshold`, as (texts,
    private reports). `texts` are coded by the index's vocabulary.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    seed = seeding.derive(random_seed, "near duplicates")
    private = _Bands(_digests(index, index.coded, seed))
    nothing = np.zeros(0, np.int64)
    found = [(nothing, nothing)]
    with tqdm(total=len(texts), desc="near-duplicates", unit="report", disable=None) as progress:
        for which, block in texts.blocks(_BLOCK_WORDS):
            rows, reports = private.candidates(_digests(index, block, seed))
            near = _jaccard(index, block, rows, reports) >= threshold
            found.append((rows[near] + which.start, reports[near]))
            progress.update(len(block))
    which_texts, which_reports = zip(*found, strict=True)
    return np.concatenate(which_texts), np.concatenate(which_reports)


class _Bands:
    """Reports by the bands of their digests; those without any n-gram stand in none."""

    def __init__(self, digests: Digests) -> None:
        self._sorted = []
        there = _with_ngrams(digests)
        for band in range(BANDS):
            keys = _keys(digests[there], band)
            order = np.argsort(keys, kind="stable")
            self._sorted.append((keys[order], there[order]))
        self._n = len(digests)

    def candidates(self, digests: Digests) -> tuple[Int64, Int64]:
        """Pairs (row of `digests`, report) that agree in a band, each once."""
        there, pairs = _with_ngrams(digests), [np.zeros(0, np.int64)]
        for band, (keys, reports) in enumerate(self._sorted):
            asked = _keys(digests[there], band)
            first = np.searchsorted(keys, asked, side="left")
            times = np.searchsorted(keys, asked, side="right") - first
            within = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
            found = reports[np.repeat(first, times) + within]
            pairs.append(np.unique(np.repeat(there, times) * self._n + found))
        return np.divmod(np.unique(np.concatenate(pairs)), max(self._n, 1))


def _digests(index: Index, texts: Coded, seed: int) -> Digests:
    """MinHash digest of each text's set of n-grams, shape (n_texts, BANDS x ROWS)."""
    import rensa  # type: ignore[import-untyped]

    hashes, whole = hashed(texts.numbers, index.n)
    # texts end at their END, so that their n-grams follow one another in the same order
    before = np.append(0, np.cumsum(whole))
    starts = before[np.minimum(texts.starts, len(whole))]
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        hashes[whole], starts.astype(np.uint64), BANDS * ROWS, seed
    )
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(texts), BANDS * ROWS)


def _with_ngrams(digests: Digests) -> Int64:
    """Rows of texts with at least one n-gram: the digest of no hash is the largest number."""
    return np.flatnonzero((digests != np.iinfo(np.uint32).max).any(axis=1))


def _keys(digests: Digests, band: int) -> NDArray[np.uint64]:
    """The hashes of one band as one value that can be sorted."""
    keys = np.zeros(len(digests), dtype=np.uint64)
    for hashes in digests[:, band * ROWS : (band + 1) * ROWS].T:
        keys = (keys ^ hashes) * _FACTOR
    return keys


def _jaccard(index: Index, texts: Coded, rows: Int64, reports: Int64) -> NDArray[np.float64]:
    """Jaccard index of the sets of different n-grams of each pair."""
    first = index.n_different
    items, real = index.items_of(texts)[:, :first], index.items[:, :first]
    shared = [np.zeros(0, np.int64)]
    for start in range(0, len(rows), _PAIRS):
        part = slice(start, start + _PAIRS)
        both = items[rows[part]].multiply(real[reports[part]])
        shared.append(np.asarray(both.sum(axis=1), dtype=np.int64))
    common = np.concatenate(shared)
    sizes = np.zeros(len(texts), dtype=np.int64)
    hashes, whole = hashed(texts.numbers, index.n)
    for row in np.unique(rows):
        own = slice(texts.starts[row], texts.starts[row + 1])
        sizes[row] = len(np.unique(hashes[own][whole[own]]))
    together = sizes[rows] + np.diff(real.indptr)[reports] - common
    return np.asarray(common / np.maximum(together, 1))
