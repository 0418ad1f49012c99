"""Audits of what is copied word for word from each private report, train against holdout.

What the reports of several patients have in common is a formula of the hospital (boiler-plate): a
generator may write it, and it tells nothing of a patient. These tests look at the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.best_match import Index
from synthfr.privacy.coded import END, Coded, Int64, Vocabulary
from synthfr.privacy.comparison import compare, mean_of
from synthfr.privacy.findings import Finding
from synthfr.privacy.matches import Matches
from synthfr.privacy.ngrams import Ngrams, covered, patients_with
from synthfr.privacy.sides import Sides
from synthfr.section import Count, ProperShare, Section
from synthfr.text.tokens import lower_words

Bools = NDArray[np.bool_]

_WORDS = 8  # a shorter sequence is neither a formula nor a copy: anybody may write it
_BLOCK_WORDS = 6_000_000


class Copying(Section):
    """Parameters `privacy.copying`: see the comments in params.yaml."""

    boilerplate_patients: Count = 5
    longest_run: Count = 30
    near_duplicate: ProperShare = 0.7


class CopiedRuns:
    """Of each private report: the most words of one run that stands in a synthetic text and that
    no formula explains.

    A word of a private report is part of a formula if it lies in an 8-gram that stands in the
    reports of at least ``boilerplate_patients`` patients. Counted are the other words of a copied
    run (of 8 words or more). The figure of a side is their mean over reports.

    For the absolute limit, which no chance excuses, words in an 8-gram that both sides have are a
    formula too, of however few patients: who wrote them need not have seen train. `exceeds` if of a
    train report more than ``longest_run`` words are left.

    State: words of the run of each private report, without formulas and without what both sides
    have, shape (2, n_reports).
    """

    name = "copied_runs"

    def __init__(self, sides: Sides, settings: Copying, random_seed: int) -> None:
        self._sides, self._seed = sides, random_seed
        self._limit = settings.longest_run
        self._vocabulary = Vocabulary(lower_words)
        self._real = self._vocabulary.code(sides.texts)
        self._table = Ngrams(self._real, _WORDS)
        patients = sides.patients[self._real.text_of].astype(np.int32)
        n_patients, _ = patients_with(self._table.ids, patients, self._table.size)
        formula = n_patients >= settings.boilerplate_patients
        # how many words before each position are part of no formula, in either sense
        self._own_before = [
            np.append(0, np.cumsum(own))
            for own in map(self._own, (formula, formula | self._of_both_sides()))
        ]

    def measure(self, texts: Sequence[str]) -> Int64:
        words = np.zeros((2, len(self._sides.texts)), dtype=np.int64)
        for _, block in self._vocabulary.code(texts).blocks(_BLOCK_WORDS):
            words = self.join(words, self._of(block))
        return words

    def join(self, one: Int64, more: Int64) -> Int64:
        return np.maximum(one, more)

    def finding(self, state: Int64) -> Finding:
        compared = compare(self._sides, mean_of(state[0].astype(np.float64)), self._seed)
        train, holdout = state[1, self._sides.is_train], state[1, ~self._sides.is_train]
        longest = int(train.max(initial=0))
        return Finding.of(
            self.name,
            "individualisation",
            compared,
            exceeds=longest > self._limit,
            measures={
                "longest_words": {"train": longest, "holdout": int(holdout.max(initial=0))},
                "limit_words": self._limit,
            },
        )

    def _own(self, formula: Bools) -> Bools:
        """Words that no such 8-gram covers."""
        begins = np.append(formula, False)[self._table.ids]
        return np.asarray(~covered(begins, _WORDS) & (self._real.numbers != END))

    def _of_both_sides(self) -> Bools:
        """Which 8-grams stand in reports of both, shape (n_ngrams,)."""
        is_train = self._sides.is_train[self._real.text_of]
        both = np.ones(self._table.size + 1, dtype=np.bool_)
        for of_side in (is_train, ~is_train):
            here = np.zeros_like(both)
            here[self._table.ids[of_side]] = True
            both &= here
        return both[:-1]

    def _of(self, texts: Coded) -> Int64:
        ids = self._table.look_up(texts.numbers)
        found = np.zeros(self._table.size + 1, dtype=np.bool_)
        found[ids] = True
        found[-1] = False  # where no 8-gram begins
        # only what lies in a common 8-gram can be part of a common run of 8 words
        real, at = _kept(self._real, covered(found[self._table.ids], _WORDS))
        synthetic, _ = _kept(texts, covered(ids >= 0, _WORDS))
        lengths = Matches(real, synthetic).longest()
        there = lengths >= _WORDS
        begins, ends = at[there], at[there] + lengths[there]
        words = np.zeros((2, len(self._real)), dtype=np.int64)
        for most, before in zip(words, self._own_before, strict=True):
            np.maximum.at(most, self._real.text_of[begins], before[ends] - before[begins])
        return words


class SharedNgrams8:
    """Of each private report: the share of its different 8-grams, boiler-plate left out, that stand
    in a synthetic text.
    """

    name = "shared_ngrams"

    def __init__(self, sides: Sides, settings: Copying, random_seed: int) -> None:
        self._sides, self._seed = sides, random_seed
        self._vocabulary = Vocabulary(lower_words)
        real = self._vocabulary.code(sides.texts)
        self._table = Ngrams(real, _WORDS)
        patients = sides.patients[real.text_of].astype(np.int32)
        n_patients, _ = patients_with(self._table.ids, patients, self._table.size)
        own = n_patients < settings.boilerplate_patients
        there = self._table.ids >= 0
        pairs = np.unique(
            real.text_of[there].astype(np.int64) * self._table.size + self._table.ids[there]
        )
        pairs = pairs[own[pairs % max(self._table.size, 1)]]
        self._reports, self._ngrams = np.divmod(pairs, max(self._table.size, 1))
        self._n_own = np.bincount(self._reports, minlength=len(real))

    def measure(self, texts: Sequence[str]) -> Bools:
        """Which n-grams of private reports were found, shape (n_ngrams,)."""
        found = np.zeros(self._table.size + 1, dtype=np.bool_)
        for _, block in self._vocabulary.code(texts).blocks(_BLOCK_WORDS):
            found[self._table.look_up(block.numbers)] = True
        return found[:-1]

    def join(self, one: Bools, more: Bools) -> Bools:
        return one | more

    def finding(self, state: Bools) -> Finding:
        hits = np.bincount(self._reports, state[self._ngrams], minlength=len(self._n_own))
        compared = compare(self._sides, mean_of(hits / np.maximum(self._n_own, 1)), self._seed)
        return Finding.of(self.name, "individualisation", compared)


class BestMatch5:
    """Of each private report: the share of its 5-grams that one synthetic text has, the text that
    has most; boiler-plate does not count. 5-grams as in `best_match`; `index` is of the texts of
    the sides, where there is one already.
    """

    name = "best_match"

    def __init__(
        self, sides: Sides, settings: Copying, random_seed: int, index: Index | None = None
    ) -> None:
        self._sides, self._seed = sides, random_seed
        self._index = index or Index(sides.texts)
        patients = sides.patients[self._index.coded.text_of].astype(np.int32)
        size = int(self._index.ngram_of.max(initial=-1)) + 1
        n_patients, _ = patients_with(self._index.ids, patients, size)
        own = n_patients[self._index.ngram_of] < settings.boilerplate_patients
        items = self._index.items.copy()
        items.data = own[items.indices].astype(np.int32)
        items.eliminate_zeros()
        self._by_item = items.T.tocsr()
        self._steps = np.diff(self._by_item.indptr).astype(np.int64)

    def measure(self, texts: Sequence[str]) -> Int64:
        """5-grams in common with the synthetic text that has most of them, shape (n_reports,)."""
        most = np.zeros(len(self._sides.texts), dtype=np.int64)
        coded = self._index.vocabulary.code(texts)
        for _, items in self._index.blocks(coded, self._steps, "copied 5-grams"):
            product = items @ self._by_item
            np.maximum.at(most, product.indices, product.data)
        return most

    def join(self, one: Int64, more: Int64) -> Int64:
        return np.maximum(one, more)

    def finding(self, state: Int64) -> Finding:
        shares = state / np.maximum(self._index.n_ngrams, 1)
        compared = compare(self._sides, mean_of(shares), self._seed)
        return Finding.of(self.name, "individualisation", compared)


def _kept(texts: Coded, kept: Bools) -> tuple[Coded, Int64]:
    """The marked words, each stretch of them as a text of its own, and where each position stood
    (an end: where the first word after its stretch did).
    """
    words = kept & (texts.numbers != END)
    before = np.append(False, words[:-1])
    at = np.flatnonzero(words | before)
    numbers = np.where(words[at], texts.numbers[at], END).astype(np.int32)
    starts = np.append(0, np.flatnonzero(numbers == END) + 1)
    return Coded(numbers, starts), at
