"""Is one step's coder better than another's: differences of metrics on the same holdout reports,
by a paired bootstrap over patients crossed with coder seeds, corrected together.

Coder seeds draw a coder's sample of one data set. They say nothing of how far another run of the
generator would have come: those are generator seeds, of which each is a whole pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np

from synthfr import seeding
from synthfr.bootstrap import DRAWS, Difference, crossed_difference
from synthfr.coding.judged import Judged
from synthfr.coding.weighted import statistic
from synthfr.errors import UserError
from synthfr.records import numbered
from synthfr.stats import Interval, holm

METRICS = ("macro_f1", "map")  # compared unless others are asked for
Answers = Sequence[Judged]  # of one step, size and top k: one for each coder seed


@dataclass(frozen=True)
class Compared:
    """`difference`: after minus before, with its 95 % limits; the p value that there is none, and
    the same corrected for all that was compared with it (NaN both where nothing can be told).
    """

    difference: Interval
    p_value: float
    adjusted_p: float

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "difference": self.difference.as_dict(),
            "p_value": self.p_value,
            "adjusted_p": self.adjusted_p,
        }


def compare(
    pairs: Mapping[str, tuple[Answers, Answers]],
    patients: Mapping[str, str],
    random_seed: int,
    metrics: Sequence[str] = METRICS,
    draws: int = DRAWS,
) -> dict[str, dict[str, Compared]]:
    """Every metric of every pair ``name -> (after, before)``: ``{name: {metric: Compared}}``.

    All p values are one family, corrected by Holm's method. The same patients are drawn for every
    pair and metric, each with all documents; `patients`: whom each document is about, by its id.

    Raises:
        UserError: the two of a pair differ in documents, labels, true labels or seeds, or are about
            others than `patients` has.
    """
    found = {}
    for name, (after, before) in pairs.items():
        one, other = paired(name, after, before)
        owners = numbered(owners_among(one[0].document_ids, patients))
        for metric in metrics:
            found[name, metric] = crossed_difference(
                [statistic(metric, judged) for judged in one],
                [statistic(metric, judged) for judged in other],
                owners,
                seeding.rng(random_seed, "bootstrap of documents"),
                draws,
            )
    return corrected(found)


def owners_among(document_ids: Sequence[str], patients: Mapping[str, str]) -> list[str]:
    """The patient of each of the documents, of `patients` by document.

    Raises:
        UserError: it does not have all of them.
    """
    known = [patients[one] for one in document_ids if one in patients]
    if len(known) < len(document_ids):
        raise UserError(
            f"compare: {len(document_ids) - len(known)} of the reports that coders were judged on "
            "are not in data/private/holdout.parquet: make the answers again with `dvc repro`."
        )
    return known


def corrected(found: Mapping[tuple[str, str], Difference]) -> dict[str, dict[str, Compared]]:
    """Differences by name and metric, their p values corrected together (Holm); one that has no p
    value takes no part.
    """
    tested = [key for key, difference in found.items() if not isnan(difference.p_value)]
    adjusted = dict(zip(tested, holm([found[key].p_value for key in tested]), strict=True))
    compared: dict[str, dict[str, Compared]] = {}
    for (name, metric), difference in found.items():
        p_value = adjusted.get((name, metric), float("nan"))
        one = Compared(difference.interval, difference.p_value, p_value)
        compared.setdefault(name, {})[metric] = one
    return compared


def paired(name: str, after: Answers, before: Answers) -> tuple[list[Judged], list[Judged]]:
    """Both by coder seed, with the documents of all in one order; UserError as in `compare`."""
    by_seed = [sorted(answers, key=lambda one: one.seed) for answers in (after, before)]
    seeds = [[one.seed for one in answers] for answers in by_seed]
    if seeds[0] != seeds[1] or not seeds[0]:
        raise UserError(
            f"{name}: the coders of one have the seeds {seeds[0]}, those of the other {seeds[1]}: "
            "make both with the same classify.seeds (kept coders: train_coder.seeds)."
        )
    first = by_seed[0][0]
    try:
        one, other = (
            [judged.in_order(first.document_ids) for judged in answers] for answers in by_seed
        )
    except ValueError:
        raise _not_alike(name, "holdout reports") from None
    for judged in [*one, *other]:
        if judged.label_space != first.label_space:
            raise _not_alike(name, "labels")
        if not np.array_equal(judged.truth, first.truth):
            raise _not_alike(name, "true codes")
    return one, other


def _not_alike(name: str, what: str) -> UserError:
    return UserError(
        f"{name}: the coders were judged on different {what}, and can only be compared on the "
        "same: make both again with one data/private/holdout.parquet, and compare the evaluation "
        "'unbiased'."
    )
