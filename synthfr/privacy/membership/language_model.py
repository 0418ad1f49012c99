"""Membership by a language model: a private report has left traces in the synthetic texts if a
model of them finds it likelier than a model of the other private reports does.

Both models count n-grams. The probability of a token w behind the tokens h is its share of what
stands behind h, drawn towards its probability behind all of h but the first token (h'; MacKay and
Peto 1995), down to equal shares of all tokens:

    p(w | h) = (c(h w) + pull p(w | h')) / (c(h) + pull)

Counts add up: what a set and a few more texts tell together is the sum of what each tells. The
model of the other private reports, of either side, takes out what makes a report likely anyway
(Watson et al. 2022, arXiv 2111.08440); a report's own patient is left out of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.findings import Finding
from synthfr.privacy.membership.attack import membership_finding
from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.parts import parts
from synthfr.privacy.sides import Sides
from synthfr.privacy.token_ngrams import Integers, NgramsByOrder

_TOGETHER = 1_000  # texts read at once
_NONE = -1  # the place in the counts that is always 0


class LanguageModel:
    """How likely `texts` are by n-gram counts of other texts.

    Counts are one array, so that they can be added: the number of tokens, then the n-grams of each
    order that stand in `texts`, then a 0.
    """

    def __init__(self, texts: Sequence[str], order: int, pull: float) -> None:
        self._ngrams = NgramsByOrder(texts, order)
        self._pull = pull
        found, contexts, self.text_of = self._ngrams.stand_in(texts)
        self._starts = 1 + np.cumsum([0, *self._ngrams.sizes])
        self._of_ngram = _places(found, self._starts)
        self._of_context = _places(contexts, np.array([0, *self._starts]))

    def counts(self, texts: Sequence[str]) -> Integers:
        """Of other texts, shape (n_ngrams + 2,)."""
        total = np.zeros(self._starts[-1] + 1, dtype=np.int64)
        for part in parts(len(texts), _TOGETHER, "language model"):
            found, _, _ = self._ngrams.stand_in(texts[part])
            total[0] += found.shape[1]
            for numbers, first in zip(found, self._starts, strict=False):
                here = np.bincount(numbers[numbers >= 0])
                total[first : first + len(here)] += here
        return total

    def likelihoods(self, counts: Integers) -> NDArray[np.float64]:
        """Natural log-probability of each token of the texts, shape (n_tokens,)."""
        return self._likelihoods(counts[self._of_ngram], counts[self._of_context])

    def own_likelihoods(self, owners: Integers) -> NDArray[np.float64]:
        """The same by the counts of `texts` themselves, but those of the token's own owner.
        `owners`: of each token.
        """
        counts = np.zeros(self._starts[-1] + 1, dtype=np.int64)
        for order, places in enumerate(self._of_ngram):
            known = places[places >= 0]
            counts[: self._starts[order + 1]] += np.bincount(
                known, minlength=self._starts[order + 1]
            )
        counts[0] = self._of_ngram.shape[1]
        return self._likelihoods(
            *(
                counts[places] - np.array([_own(row, owners) for row in places])
                for places in (self._of_ngram, self._of_context)
            )
        )

    def _likelihoods(self, ngrams: Integers, contexts: Integers) -> NDArray[np.float64]:
        """From the counts of every token's n-grams and contexts, shapes (order, n_tokens)."""
        likely = np.full(ngrams.shape[1], 1 / (self._ngrams.sizes[0] + 1))  # one more: unknown
        for ngram, context in zip(ngrams, contexts, strict=True):
            likely = (ngram + self._pull * likely) / (context + self._pull)
        return np.asarray(np.log(likely))


class LanguageModelAttack:
    """See the module. State: counts of n-grams."""

    name = "membership_language_model"

    def __init__(self, sides: Sides, settings: Membership, random_seed: int) -> None:
        self._sides, self._settings, self._random_seed = sides, settings, random_seed
        self._model = LanguageModel(sides.texts, settings.order, settings.pull)
        self._others = self._model.own_likelihoods(sides.patients[self._model.text_of])

    def measure(self, texts: Sequence[str]) -> Integers:
        return self._model.counts(texts)

    def join(self, one: Integers, more: Integers) -> Integers:
        return one + more

    def scores(self, state: Integers) -> NDArray[np.float64]:
        """How much likelier a report's tokens are, in nats a token, shape (n_reports,)."""
        gain = self._model.likelihoods(state) - self._others
        of = self._model.text_of
        return np.asarray(np.bincount(of, gain) / np.bincount(of))

    def finding(self, state: Integers) -> Finding:
        return membership_finding(self.name, self._sides, self.scores(state), self._random_seed)


def _places(numbers: Integers, starts: Integers) -> Integers:
    """Where n-grams of each order, numbered apart, stand in the counts."""
    return np.where(numbers >= 0, numbers + starts[: len(numbers), None], _NONE)


def _own(places: Integers, owners: Integers) -> Integers:
    """How often the owner of each token has what stands at its place."""
    _, which, times = np.unique(
        owners * (places.max(initial=0) + 1) + np.maximum(places, 0),
        return_inverse=True,
        return_counts=True,
    )
    return np.where(places >= 0, times[which], 0)
