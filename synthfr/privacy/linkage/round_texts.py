"""Do a round's texts repeat the private documents behind their prompts? The tables of a round leave
as the step data sets do, and which candidate is chosen was decided beside its document.

A text may share a passage with its own document because both are of one genre and about the same
terms. The measure of that is what it shares with other documents: any of the round, those with the
likest keywords, and documents that were never used. Where few documents have a set of keywords, the
likest others are less like it than its own document, and the control explains too little: a small
difference is then no proof of copying.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.keywords.export import patients
from synthfr.privacy.comparison import BOOTSTRAPS, PERMUTATIONS
from synthfr.privacy.findings import Finding
from synthfr.stats import CONFIDENCE, Interval
from synthfr.text.tokens import lower_words

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Grams = frozenset[tuple[str, ...]]
_OTHERS = 20  # documents that each text is also compared with, of the round and of the holdout
_ALIKE = 5  # documents with the likest keywords


@dataclass(frozen=True)
class Repeated:
    """Of one table's texts: the share that has a passage in common with its own document, and with
    another one: drawn from the round, with the likest keywords, and of the holdout.
    """

    own: float
    another: float
    alike: float
    holdout: float
    over_another: Interval
    over_alike: Interval
    over_holdout: Interval
    p_value: float  # of "no more with the own document than with those alike"

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "own": self.own,
            "another": self.another,
            "alike": self.alike,
            "holdout": self.holdout,
            "over_another": self.over_another.as_dict(),
            "over_alike": self.over_alike.as_dict() | {"p_value": self.p_value},
            "over_holdout": self.over_holdout.as_dict(),
        }


def round_texts(
    tables: Mapping[str, pd.DataFrame],
    keyed: pd.DataFrame,
    holdout: pd.DataFrame,
    n: int,
    random_seed: int,
) -> tuple[Finding | None, dict[str, dict[str, object]]]:
    """The finding `round_texts`, of the texts that were chosen, own documents against those with
    the likest keywords; and numbers for each table.

    Args:
        tables: by name (``chosen`` among them), each with prompt_id and text.
        keyed: the documents behind the prompts (KEYED).
        holdout: REPORTS.
        n: words of a shared passage.

    A round without pairs has no finding, an empty table no numbers.
    """
    repeated = {
        name: _repeated(table, keyed, holdout, n, random_seed)
        for name, table in tables.items()
        if len(table)
    }
    measures = {name: one.as_dict() for name, one in repeated.items()}
    if "chosen" not in repeated:
        return None, measures
    chosen = repeated["chosen"]
    finding = Finding(
        "round_texts",
        "individualisation",
        chosen.own,
        chosen.alike,
        chosen.over_alike,
        chosen.p_value,
    )
    return finding, measures


def _repeated(
    table: pd.DataFrame, keyed: pd.DataFrame, holdout: pd.DataFrame, n: int, random_seed: int
) -> Repeated:
    keyed = keyed.reset_index(drop=True)
    row_of = {one: row for row, one in enumerate(keyed["prompt_id"])}
    rows = np.array([row_of[one] for one in table["prompt_id"]])
    numbers = {name: number for number, name in enumerate(dict.fromkeys(patients(keyed)))}
    owners = np.array([numbers[name] for name in patients(keyed)])
    others = _Others(keyed, owners, np.unique(rows), len(holdout), random_seed)
    used, unused = _Passages(keyed["text"].tolist(), n), _Passages(holdout["text"].tolist(), n)
    texts = [_passages(str(text), n) for text in table["text"]]

    def sharing(among: _Passages, chosen: Callable[[int], Integers]) -> Floats:
        """Of each text, whether it shares a passage with each of the chosen documents."""
        found = [
            [not text.isdisjoint(among.of(one)) for one in chosen(row)]
            for text, row in zip(texts, rows.tolist(), strict=True)
        ]
        return np.array(found, dtype=np.float64)

    own = sharing(used, lambda row: np.array([row]))
    alike = sharing(used, others.alike)
    another, like, holds = (
        _mean(one) for one in (sharing(used, others.drawn), alike, sharing(unused, others.unused))
    )
    of_own = own[:, 0]

    def over(control: Floats) -> Interval:
        return _difference(of_own - control, owners[rows], random_seed)

    return Repeated(
        own=float(of_own.mean()),
        another=float(another.mean()),
        alike=float(like.mean()),
        holdout=float(holds.mean()),
        over_another=over(another),
        over_alike=over(like),
        over_holdout=over(holds),
        p_value=_p_value(np.concatenate([own, alike], axis=1), rows, random_seed),
    )


class _Others:
    """Other patients' documents to compare a document's texts with: the same for all its texts."""

    def __init__(
        self,
        keyed: pd.DataFrame,
        owners: Integers,
        of_round: Integers,
        n_unused: int,
        random_seed: int,
    ) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        self._ids = keyed["prompt_id"].tolist()
        terms = CountVectorizer(analyzer=lambda own: own, binary=True, dtype=np.int32)
        self._terms = terms.fit_transform(keyed["keywords"])
        self._sizes = self._terms.sum(axis=1).A1
        self._owners, self._of_round, self._seed = owners, of_round, random_seed
        largest = int(np.bincount(owners).max())
        self._n_drawn = min(_OTHERS, max(len(of_round) - largest, 0))
        self._n_alike = min(_ALIKE, len(owners) - largest)
        self._n_unused = n_unused

    def drawn(self, row: int) -> Integers:
        """Any of the round."""
        among = self._of_round[self._owners[self._of_round] != self._owners[row]]
        return np.asarray(self._rng(row, "round").choice(among, self._n_drawn, replace=False))

    def alike(self, row: int) -> Integers:
        """Those whose keywords have the highest Jaccard index with its own, ties by draw."""
        shared = (self._terms @ self._terms[row].T).toarray()[:, 0]
        like = shared / (self._sizes + self._sizes[row] - shared)
        like[self._owners == self._owners[row]] = -1
        draws = self._rng(row, "alike").random(len(like))
        return np.asarray(np.lexsort((draws, -like))[: self._n_alike])

    def unused(self, row: int) -> Integers:
        """Any of the holdout."""
        size = min(_OTHERS, self._n_unused)
        return np.asarray(self._rng(row, "unused").choice(self._n_unused, size, replace=False))

    def _rng(self, row: int, purpose: str) -> np.random.Generator:
        return seeding.rng(self._seed, "round_texts", purpose, self._ids[row])


class _Passages:
    """Passages of documents, made where they are asked for."""

    def __init__(self, texts: Sequence[str], n: int) -> None:
        self._texts, self._n = texts, n
        self._known: dict[int, Grams] = {}

    def of(self, row: int) -> Grams:
        if row not in self._known:
            self._known[row] = _passages(self._texts[row], self._n)
        return self._known[row]


def _mean(shared: Floats) -> Floats:
    return np.asarray(shared.mean(axis=1)) if shared.shape[1] else np.zeros(len(shared))


def _passages(text: str, n: int) -> Grams:
    own = lower_words(text)
    return frozenset(zip(*(own[start:] for start in range(n)), strict=False))


def _difference(gaps: Floats, owners: Integers, random_seed: int) -> Interval:
    """Mean over the texts, with its percentile interval over patients."""
    texts, sums = (np.bincount(owners, weights=of) for of in (np.ones(len(gaps)), gaps))
    texts, sums = texts[texts > 0], sums[texts > 0]
    rng = seeding.rng(random_seed, "patients of a round")
    times = rng.multinomial(len(texts), np.full(len(texts), 1 / len(texts)), size=BOOTSTRAPS)
    spread = (times @ sums) / (times @ texts)
    low, high = np.quantile(spread, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(sums.sum() / texts.sum()), float(low), float(high), len(texts))


def _p_value(of_round: Floats, prompts: Integers, random_seed: int) -> float:
    """How often as many texts share a passage with "their" document, where that is drawn, for each
    prompt, from its own and the others.
    """
    _, place = np.unique(prompts, return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, of_round.shape[1]))
    np.add.at(sums, place, of_round)
    rng = seeding.rng(random_seed, "documents of a round")
    rows = np.arange(len(sums))
    drawn = (
        sums[rows, rng.integers(sums.shape[1], size=len(sums))].sum() for _ in range(PERMUTATIONS)
    )
    reached = sum(one >= sums[:, 0].sum() for one in drawn)
    return (1 + int(reached)) / (1 + PERMUTATIONS)
