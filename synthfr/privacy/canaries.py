"""Do planted canaries come out again? `synthfr.corpora.canaries` says what they are.

The exposure of a canary (Carlini et al. 2019, arXiv 1802.08232) is how far ahead a model of the
synthetic texts puts it among persons invented alike:

    exposure = log2 |R| - log2 rank

in bits, R being the canary and the others. A canary that left no trace has any rank: 1.4 bits in
the mean. That is also what those have that were never planted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.corpora.canaries import drawn
from synthfr.privacy import comparison
from synthfr.privacy.findings import Finding
from synthfr.privacy.membership.language_model import LanguageModel
from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.sides import Sides
from synthfr.privacy.token_ngrams import Integers
from synthfr.text.tokens import composed, lower_words

if TYPE_CHECKING:
    import pandas as pd

ALTERNATIVES = 1_023  # of each language; the highest exposure is log2(1 + ALTERNATIVES), 10 bits


@dataclass(frozen=True)
class Traces:
    """What synthetic texts hold of the canaries.

    Attributes:
        counts: of the n-grams of canaries and alternatives.
        verbatim: whether each canary stands in a text as a whole, shape (n_canaries,).
    """

    counts: Integers
    verbatim: NDArray[np.bool_]


class CanaryAudit:
    """See the module. State: `Traces`.

    `canaries`: a table CANARIES with at least one that is planted, else it is a ValueError.
    """

    name = "canaries"

    def __init__(self, canaries: pd.DataFrame, settings: Membership, random_seed: int) -> None:
        planted = canaries["report_id"].notna().to_numpy(dtype=np.bool_)
        if not planted.any():
            raise ValueError("no canary was planted: there is nothing to look for")
        canaries = canaries.loc[np.argsort(~planted, kind="stable")]
        self._random_seed = random_seed
        self._sides = Sides(
            ids=tuple(canaries["canary_id"]),
            texts=tuple(composed(text) for text in canaries["text"]),
            codes=((),) * len(canaries),
            languages=tuple(canaries["language"]),
            is_train=np.sort(planted)[::-1],
            patients=np.arange(len(canaries)),
        )
        self._sought = [_plain(text) for text in self._sides.texts]
        spoken = sorted(set(self._sides.languages))
        others = [one for one in spoken for _ in range(ALTERNATIVES)]
        texts = [*self._sides.texts, *drawn(others, random_seed, "alternative to the canaries")]
        self._languages = np.array([*self._sides.languages, *others])
        self._model = LanguageModel(texts, settings.order, settings.pull)

    def measure(self, texts: Sequence[str]) -> Traces:
        plain = "\n".join(_plain(text) for text in texts)
        verbatim = np.array([one in plain for one in self._sought])
        return Traces(self._model.counts(texts), verbatim)

    def join(self, one: Traces, more: Traces) -> Traces:
        return Traces(one.counts + more.counts, one.verbatim | more.verbatim)

    def exposures(self, state: Traces) -> NDArray[np.float64]:
        """Of each canary, planted ones first, in bits."""
        of = self._model.text_of
        likely = np.bincount(of, self._model.likelihoods(state.counts)) / np.bincount(of)
        likely = likely.round(9)  # what is beyond is rounding
        size = len(self._sides.texts)
        ranks = np.empty(size)
        for language in set(self._sides.languages):
            others = likely[size:][self._languages[size:] == language]
            mine = np.flatnonzero(self._languages[:size] == language)
            ahead = (others > likely[mine, None]).sum(axis=1)
            level = (others == likely[mine, None]).sum(axis=1)
            ranks[mine] = 1 + ahead + level / 2  # ties: the middle of their ranks
        return np.asarray(np.log2(1 + ALTERNATIVES) - np.log2(ranks))

    def finding(self, state: Traces) -> Finding:
        """`train`: mean exposure of the planted ones, `holdout`: of the others, in bits. A canary
        that stands in the texts as a whole is a leak by itself: none comes about by chance.
        """
        compared = comparison.compare(
            self._sides, comparison.mean_of(self.exposures(state)), self._random_seed
        )
        planted = self._sides.is_train
        return Finding.of(
            self.name,
            "individualisation",
            compared,
            exceeds=bool(state.verbatim[planted].any()),
            measures={
                "verbatim": {
                    "planted": float(state.verbatim[planted].mean()),
                    "not_planted": float(state.verbatim[~planted].mean()),
                }
            },
        )


def _plain(text: str) -> str:
    return " ".join(lower_words(text))
