"""Attribute inference: an adversary has read a passage of a patient's report and knows all of its
codes but one. He takes that one from the synthetic report most similar to the passage.

The attack is run on train (main attack) and on holdout (control). What synthetic reports teach of
medicine helps with both alike; only what they hold of the patients themselves helps more with
train. The idea is Anonymeter's (Giomi et al. 2023, arXiv 2211.10459), here for texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy import comparison
from synthfr.privacy.findings import Finding
from synthfr.privacy.sides import Sides
from synthfr.privacy.term_vectors import TermVectors
from synthfr.section import ProperShare, Section
from synthfr.stats import wilson

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_DIGITS = 9  # of a cosine; what is beyond is rounding
_NEVER = -1.0  # below every cosine: no synthetic report has the code, or the adversary knows it


class Attributes(Section):
    """Parameters `privacy.attributes`: see the comments in params.yaml."""

    known_share: ProperShare = 0.5
    sure_share: ProperShare = 0.05


class AttributeInference:
    """See the module. State: for each code and private report the highest cosine of its known
    passage with a synthetic report that has the code, shape (n_codes, n_reports).

    `vectors`: of the texts of the sides, where there are some already.
    """

    name = "attribute_inference"

    def __init__(
        self,
        sides: Sides,
        settings: Attributes,
        random_seed: int,
        vectors: TermVectors | None = None,
    ) -> None:
        self._sides, self._settings, self._random_seed = sides, settings, random_seed
        times = Counter(code for codes in sides.codes for code in set(codes))
        # where two codes are as likely, the guess is the more frequent one
        self._number = {code: n for n, (code, _) in enumerate(sorted(times.items(), key=_by_times))}
        draws = [seeding.rng(random_seed, "secret code", one) for one in sides.ids]
        self._secret = np.array(
            [
                self._number[codes[int(rng.integers(len(codes)))]] if codes else -1
                for codes, rng in zip(sides.codes, draws, strict=True)
            ],
            dtype=np.int64,
        )
        self._vectors = vectors or TermVectors(sides.texts)
        passages = [
            _passage(text, settings.known_share, rng)
            for text, rng in zip(sides.texts, draws, strict=True)
        ]
        self._known = self._vectors.of(passages).T.tocsc()

    def measure(self, texts: Sequence[str], codes: Sequence[Sequence[str]] | None = None) -> Floats:
        """What synthetic reports, given with the codes that they are published with, tell.

        ValueError without codes: they are what is taken from them.
        """
        if codes is None or len(codes) != len(texts):
            raise ValueError(f"{self.name} wants the codes of each of the {len(texts)} texts")
        best = np.full((len(self._number), len(self._sides.texts)), _NEVER)
        for part, vectors in self._vectors.blocks(texts):
            cosines = (vectors @ self._known).toarray().round(_DIGITS)
            having: dict[int, list[int]] = {}
            for row, held in enumerate(codes[part]):
                for code in set(held) & self._number.keys():
                    having.setdefault(self._number[code], []).append(row)
            for number, rows in having.items():
                np.maximum(best[number], cosines[rows].max(axis=0), out=best[number])
        return best

    def join(self, one: Floats, more: Floats) -> Floats:
        return np.maximum(one, more)

    def guesses(self, state: Floats) -> tuple[Integers, Floats]:
        """The code guessed for each private report, by number, -1 where there is none to guess; and
        by how much its synthetic report is more similar than the best one with another code.
        """
        left = state.copy()
        for report, codes in enumerate(self._sides.codes):
            known = {self._number[code] for code in codes} - {int(self._secret[report])}
            left[sorted(known), report] = _NEVER
        guess = left.argmax(axis=0) if len(left) else np.full(left.shape[1], -1)
        ranked = np.sort(np.vstack([np.full((2, left.shape[1]), _NEVER), left]), axis=0)
        return np.where(ranked[-1] > _NEVER, guess, -1), ranked[-1] - ranked[-2]

    def finding(self, state: Floats) -> Finding:
        """`train` and `holdout`: the share of reports whose code is guessed right by an adversary
        who guesses only where he is surest, `sure_share` of all reports.
        """
        guess, lead = self.guesses(state)
        right = (guess >= 0) & (guess == self._secret)
        # the surest ones; more where the last of them are equally sure, fewer where none is
        sure = lead >= np.quantile(lead, 1 - self._settings.sure_share)
        sure &= lead > 0
        everything = self._compared(right)
        control = everything.holdout
        return Finding.of(
            self.name,
            "inference",
            self._compared(right & sure),
            measures={
                "all_guesses": {
                    "train": self._share(right, True),
                    "holdout": self._share(right, False),
                    "difference": everything.difference.as_dict(),
                    "p_value": everything.p_value,
                    # share of what the control attack leaves to be won (Giomi et al. 2023)
                    "risk": (everything.train - control) / (1 - control) if control < 1 else 0.0,
                },
                "baseline": {
                    "train": self._share(self._most_frequent(), True),
                    "holdout": self._share(self._most_frequent(), False),
                },
            },
        )

    def _compared(self, right: NDArray[np.bool_]) -> comparison.Compared:
        statistic = comparison.mean_of(right.astype(np.float64))
        return comparison.compare(self._sides, statistic, self._random_seed)

    def _share(self, right: NDArray[np.bool_], train: bool) -> dict[str, float]:
        of_side = right[self._sides.is_train == train]
        return wilson(int(of_side.sum()), len(of_side)).as_dict()

    def _most_frequent(self) -> NDArray[np.bool_]:
        """Whether a guess is right that looks at no synthetic report: the code that most private
        reports have, of those that the adversary does not know.
        """
        known = [
            {self._number[code] for code in codes} - {int(secret)}
            for codes, secret in zip(self._sides.codes, self._secret, strict=True)
        ]
        first = [next((n for n in range(len(self._number)) if n not in some), -1) for some in known]
        return np.asarray((self._secret >= 0) & (np.array(first) == self._secret))


def _by_times(counted: tuple[str, int]) -> tuple[int, str]:
    code, times = counted
    return -times, code


def _passage(text: str, share: float, rng: np.random.Generator) -> str:
    """Part of a text that follows on itself, of so many of its words (between white space)."""
    words = text.split()
    size = round(share * len(words))
    start = int(rng.integers(len(words) - size + 1))
    return " ".join(words[start : start + size])
