"""Do synthetic texts hold the identifiers of private patients? Names, dates and numbers also meet
by chance: what counts is how many more of those of train stand there than of those of holdout,
which can only be phantoms (arXiv 2606.16952).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy import comparison
from synthfr.privacy.comparison import Floats
from synthfr.privacy.findings import Finding
from synthfr.privacy.identifiers.finder import Kind, finder
from synthfr.privacy.identifiers.settings import Identifiers
from synthfr.privacy.sides import Sides
from synthfr.stats import Interval

Bools = NDArray[np.bool_]
Identifier = tuple[Kind, str]
# identifiers of the private reports that stand in synthetic texts
Replayed = frozenset[Identifier]


@dataclass(frozen=True)
class _Own:
    """Identifiers of one kind.

    Attributes:
        values: of each private report, those that no other patient has, n_reports of them.
        has: whether a report has any, shape (n_reports,).
    """

    values: tuple[tuple[str, ...], ...]
    has: Bools


class _Figures(NamedTuple):
    """Of one kind, in a finding."""

    train: float
    holdout: float
    difference: Interval

    def as_dict(self) -> dict[str, object]:
        return {**self._asdict(), "difference": self.difference.as_dict()}


class IdentifierReplay:
    """The share of each private report's own identifiers that stand in the synthetic texts, kind
    by kind.

    An identifier that several patients have, on whatever side, is left out: it points at nobody,
    and nobody can say where a synthetic text has it from. So is, from what is compared, a kind that
    fewer than `min_documents` reports of either side have.

    The figures of the finding are those of the kind in which train is farthest ahead, in standard
    errors. Its p value is of that distance: permutations of the patients look at their farthest
    kind, too (Westfall and Young 1993), so that many kinds raise no more alarms than one.

    It `exceeds` where the texts hold an identifier of a kind `never` that one patient of train has.
    Of such a kind the figures are no rates, which would tell how few they are: 1 if any came out of
    a side, else 0.
    """

    name = "identifiers"

    def __init__(
        self, sides: Sides, settings: Identifiers, random_seed: int, *, min_documents: int
    ) -> None:
        self._sides, self._settings, self._random_seed = sides, settings, random_seed
        self._min_documents = min_documents
        self._languages = sorted(set(sides.languages))
        kinds = [
            *settings.compared,
            *(one for one in settings.never if one not in settings.compared),
        ]
        found = [
            finder(code).find(text) for code, text in zip(sides.languages, sides.texts, strict=True)
        ]
        self._own: dict[Kind, _Own] = {}
        for kind in kinds:
            of_reports = [one.get(kind, set()) for one in found]
            self._own[kind] = _own(of_reports, sides)
        self._known = frozenset(
            (kind, value)
            for kind, own in self._own.items()
            for values in own.values
            for value in values
        )
        self._compared = [kind for kind in settings.compared if self._enough(kind)]

    def measure(self, texts: Sequence[str]) -> Replayed:
        """The private identifiers that stand in these texts. Each text is read in every language
        of the private reports.
        """
        if not self._known:
            return frozenset()
        return frozenset(
            one
            for text in texts
            for code in self._languages
            for kind, values in finder(code).find(text).items()
            for one in ((kind, value) for value in values)
            if one in self._known
        )

    def join(self, one: Replayed, more: Replayed) -> Replayed:
        return one | more

    def finding(self, state: Replayed) -> Finding:
        """What the texts replay, of all kinds together; `measures` has each kind."""
        replayed = {kind: self._replayed(kind, state) for kind in self._settings.never}
        exceeds = any(one.train > 0 for one in replayed.values())
        if not self._compared:
            nothing = Interval(0.0, float("nan"), float("nan"), self._sides.n_patients)
            return Finding(
                self.name,
                "individualisation",
                0.0,
                0.0,
                nothing,
                1.0,
                exceeds,
                {"nothing_to_replay": 1, "kinds": self._kinds(replayed, None)},
            )
        shares = np.array([self._shares(kind, state) for kind in self._compared])
        rates = _Rates(shares, np.array([self._own[kind].has for kind in self._compared]))
        used, unused = comparison.side_weights(self._sides)
        train, holdout = rates.of(used)[:, 0], rates.of(unused)[:, 0]
        n = self._sides.n_patients
        spread = comparison.resampled(self._sides, rates.differences, self._random_seed)
        low, high = comparison.limits(spread)
        rated = {
            kind: _Figures(float(a), float(b), Interval(float(a - b), float(c), float(d), n))
            for kind, a, b, c, d in zip(self._compared, train, holdout, low, high, strict=True)
        }
        figures = rated | replayed
        farthest = self._compared[int(rates.distances(used, unused)[:, 0].argmax())]
        return Finding(
            self.name,
            "individualisation",
            figures[farthest].train,
            figures[farthest].holdout,
            figures[farthest].difference,
            comparison.chance(self._sides, rates.farthest, self._random_seed),
            exceeds,
            {"nothing_to_replay": 0, "kinds": self._kinds(figures, farthest)},
        )

    def _enough(self, kind: Kind) -> bool:
        has, is_train = self._own[kind].has, self._sides.is_train
        return min(int(has[is_train].sum()), int(has[~is_train].sum())) >= self._min_documents

    def _shares(self, kind: Kind, state: Replayed) -> Floats:
        """Of each report's own identifiers, the share replayed; 0 where it has none."""
        return np.array(
            [
                sum((kind, value) in state for value in values) / max(len(values), 1)
                for values in self._own[kind].values
            ]
        )

    def _replayed(self, kind: Kind, state: Replayed) -> _Figures:
        """Whether any identifier of a kind came out of each side: 1 or 0."""
        by_report = self._shares(kind, state) > 0
        train, holdout = (float(by_report[self._sides.is_train == one].any()) for one in (1, 0))
        nan = float("nan")
        return _Figures(train, holdout, Interval(train - holdout, nan, nan, self._sides.n_patients))

    def _kinds(
        self, figures: Mapping[Kind, _Figures], farthest: Kind | None
    ) -> dict[str, dict[str, object]]:
        """Figures of each kind; of one that too few reports have, that it is so, and no rate."""
        none = {"train": None, "holdout": None, "difference": None}
        return {
            kind: {
                **(figures[kind].as_dict() if kind in figures else none),
                "farthest": int(kind == farthest),
                "too_few_reports": int(kind not in self._compared),
            }
            for kind in self._own
        }


class _Rates:
    """Mean share replayed among the reports that have identifiers of a kind, kind by kind.

    Args:
        shares, has: shape (n_kinds, n_reports).
    """

    def __init__(self, shares: Floats, has: Bools) -> None:
        self._shares, self._has = shares, has.astype(np.float64)
        # of the two sides together, so that it is the same however patients are permuted
        deviations = [one[those].std() for one, those in zip(shares, has, strict=True)]
        self._deviations = np.array(deviations)[:, None]

    def of(self, weights: Floats) -> Floats:
        """Weights of reports, shape (n_reports, n_draws) -> (n_kinds, n_draws); 0 where no report
        that counts has any.
        """
        return np.asarray(self._shares @ weights / np.maximum(self._has @ weights, 1.0))

    def differences(self, used: Floats, unused: Floats) -> Floats:
        return self.of(used) - self.of(unused)

    def distances(self, used: Floats, unused: Floats) -> Floats:
        """Differences in standard errors, shape (n_kinds, n_draws); 0 where no report differs."""
        sizes = [np.maximum(self._has @ weights, 1.0) for weights in (used, unused)]
        error = self._deviations * np.sqrt(1 / sizes[0] + 1 / sizes[1])
        differs = error > 0
        return np.where(differs, self.differences(used, unused) / np.where(differs, error, 1), 0.0)

    def farthest(self, used: Floats, unused: Floats) -> Floats:
        return np.asarray(self.distances(used, unused).max(axis=0))


def _own(of_reports: Sequence[set[str]], sides: Sides) -> _Own:
    patients_with: dict[str, set[int]] = {}
    for values, patient in zip(of_reports, sides.patients.tolist(), strict=True):
        for value in values:
            patients_with.setdefault(value, set()).add(patient)
    # the same whoever is train: so the permutation of patients is exact
    own = tuple(
        tuple(sorted(value for value in values if len(patients_with[value]) == 1))
        for values in of_reports
    )
    return _Own(own, np.array([bool(values) for values in own]))
