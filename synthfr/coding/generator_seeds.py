"""Is the loop better than a control of it: differences of metrics over generator seeds, from the
answers that coders gave about the same holdout reports.

A generator seed is a whole pipeline: its corpus or its split of one, its candidates, its data set,
its coders. Of each there is one difference, the mean over its coder seeds; coder seeds alone would
say nothing of how far another run of the loop would have come.

The mean of G differences has the variance s² / G + c. s² is their spread; it holds what each run
owes to its own documents and coder seeds. c is what all runs owe to documents that several of them
were judged on, which no spread between them shows: the mean covariance of two seeds' differences
over bootstrap draws of the patients, each with all documents. Where every seed has documents of
its own, c is 0, and the test is Student's paired t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isnan

import numpy as np

from synthfr import seeding
from synthfr.bootstrap import (
    DRAWS,
    Array,
    Difference,
    Owners,
    Statistic,
    document_weights,
    n_patients,
    student,
)
from synthfr.coding.comparison import METRICS, Answers, Compared, corrected, owners_among, paired
from synthfr.coding.judged import Judged
from synthfr.coding.weighted import statistic
from synthfr.stats import FEWEST, Interval, without_limits

Run = Mapping[int, Answers]  # of a step, control or reference: its kept answers by generator seed
# of one generator seed: as its documents are, and in every draw of them (None: none are drawn)
_Figure = tuple[float, Array | None]


def compare_runs(
    last: Run,
    others: Mapping[str, Sequence[Run]],
    patients: Mapping[int, Mapping[str, str]],
    random_seed: int,
    metrics: Sequence[str] = METRICS,
    draws: int = DRAWS,
) -> dict[str, dict[str, Compared]]:
    """The last step minus each of the others: ``{name: {metric: Compared}}``, the interval's n the
    number of generator seeds.

    Args:
        last: answers of the last step.
        others: one run, or several (the baselines) of which the best by the metric counts in each
            seed. Only seeds that all have are compared; with fewer than three of them there is no
            interval, and the name is left out.
        patients: by generator seed, whom each of its documents is about, by the document's id.

    All p values are one family, corrected by Holm's method. An id is one document in two seeds
    unless their true codes contradict that.

    Raises:
        UserError: answers that are compared differ in documents, labels, true labels or coder
            seeds, or are about others than `patients` has.
    """
    judged = {seed: answers[0] for seed, answers in last.items()}
    figures = _Figures(judged, patients, random_seed, draws)
    found = {}
    for name, runs in others.items():
        seeds = sorted(set(last).intersection(*runs))
        if len(seeds) < FEWEST:
            continue
        for seed in seeds:
            for run in runs:
                paired(name, last[seed], run[seed])
        for metric in metrics:
            differences = [figures.difference(metric, seed, last, runs) for seed in seeds]
            found[name, metric] = _over(differences, figures.n_patients)
    return corrected(found)


def _over(by_seed: Sequence[_Figure], patients: int) -> Difference:
    """What the differences of at least two seeds say together; no test where one is not defined.
    `patients`: that were drawn for what seeds have in common.
    """
    values, n = np.array([value for value, _ in by_seed]), len(by_seed)
    shared = _covariance([drawn for _, drawn in by_seed if drawn is not None])
    estimate = float(values.mean())
    if isnan(estimate + shared):
        return Difference(without_limits(estimate, values.tolist()), float("nan"))
    of_seeds = float(values.var(ddof=1)) / n
    half, p_value = student(estimate, (shared, patients), (of_seeds, n))
    return Difference(Interval(estimate, estimate - half, estimate + half, n), p_value)


def _covariance(drawn: Sequence[Array]) -> float:
    """Mean covariance of two seeds' figures over the draws in which all are defined, NaN if those
    are no more than half; below 0 it is noise of the draws.
    """
    if len(drawn) < 2:
        return 0.0
    rows = np.stack(drawn)
    defined = rows[:, ~np.isnan(rows).any(axis=0)]
    if defined.shape[1] * 2 <= rows.shape[1]:
        return float("nan")
    matrix = np.cov(defined)
    n = len(matrix)
    return max(0.0, float(matrix.sum() - np.trace(matrix)) / (n * (n - 1)))


class _Figures:
    """Figures of runs, each computed once: several differences share the last step."""

    def __init__(
        self,
        judged: Mapping[int, Judged],
        patients: Mapping[int, Mapping[str, str]],
        random_seed: int,
        draws: int,
    ) -> None:
        """`judged`: any answers of each generator seed, for its documents."""
        self._order = {seed: one.document_ids for seed, one in judged.items()}
        self._owners = _owners(judged, patients)
        self.n_patients = max(map(n_patients, (self._owners or {}).values()), default=0)
        self._random_seed, self._draws = random_seed, draws
        self._known: dict[tuple[str, int, int], _Figure] = {}

    def difference(self, metric: str, seed: int, after: Run, before: Sequence[Run]) -> _Figure:
        """Of one generator seed, `after` minus the best of `before`."""
        own, own_drawn = self._of(metric, seed, after[seed])
        found = [self._of(metric, seed, run[seed]) for run in before]
        best, best_drawn = max(found, key=lambda one: one[0])
        if own_drawn is None or best_drawn is None:
            return own - best, None
        return own - best, own_drawn - best_drawn

    def _of(self, metric: str, seed: int, answers: Answers) -> _Figure:
        """The mean over coder seeds."""
        key = (metric, seed, id(answers))
        if key not in self._known:
            ordered = [one.in_order(self._order[seed]) for one in answers]
            coders = [statistic(metric, one) for one in ordered]
            as_they_are = np.ones((1, len(self._order[seed])), dtype=np.float32)
            value = float(np.mean([of(as_they_are)[0] for of in coders]))
            self._known[key] = (value, self._drawn(seed, coders))
        return self._known[key]

    def _drawn(self, seed: int, coders: Sequence[Statistic]) -> Array | None:
        """The same draws of all patients for every run and seed, of which a seed has its own."""
        if self._owners is None:
            return None
        rng = seeding.rng(self._random_seed, "bootstrap of documents")
        blocks = []
        for weights in document_weights(self.n_patients, rng, self._draws):
            own = np.ascontiguousarray(weights[:, self._owners[seed]])
            blocks.append(np.mean([of(own) for of in coders], axis=0))
        return np.concatenate(blocks)


def _owners(
    judged: Mapping[int, Judged], patients: Mapping[int, Mapping[str, str]]
) -> dict[int, Owners] | None:
    """A number for the patient of each seed's documents, among those of all seeds; None if no two
    seeds share a document.

    The bundled corpus is drawn anew by every seed and numbers its documents alike: equal ids whose
    codes differ are of different documents, and then no id can be trusted.
    """
    shared = [_agreement(one, other) for one, other in combinations(judged.values(), 2)]
    if False in shared or True not in shared:
        return None
    place: dict[str, int] = {}
    found = {}
    for seed, one in judged.items():
        names = owners_among(one.document_ids, patients.get(seed, {}))
        found[seed] = np.array([place.setdefault(name, len(place)) for name in names])
    return found


def _agreement(one: Judged, other: Judged) -> bool | None:
    """Whether documents of the same id have the same codes, as far as both know them; None if there
    are none.
    """
    there = {name: row for row, name in enumerate(other.document_ids)}
    rows = [(row, there[name]) for row, name in enumerate(one.document_ids) if name in there]
    labels = {name: column for column, name in enumerate(other.label_space)}
    columns = [(at, labels[name]) for at, name in enumerate(one.label_space) if name in labels]
    if not (rows and columns):
        return None
    own, others = np.array(rows).T, np.array(columns).T
    return bool(
        np.array_equal(one.truth[np.ix_(own[0], others[0])], other.truth[np.ix_(own[1], others[1])])
    )
