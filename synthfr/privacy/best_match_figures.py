"""How much of synthetic reports stands in the private report nearest to them: recall of the best
match (see `best_match`) in train and in holdout, and whose words those are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy.best_match import BestMatches, Index, best_matches
from synthfr.privacy.coded import Coded, Int64
from synthfr.privacy.leave_one_out import Nearest, as_dict, limits
from synthfr.privacy.ngrams import patients_with
from synthfr.privacy.overlap import spread
from synthfr.privacy.sides import Sides

COMPANION_TOP = 122  # highest recalls that Kiefer et al. 2025 average
PERCENTILES = {"median": 50, "p95": 95, "p99": 99}
DRAWS = 200
LEFT_OUT = 1 / 8  # of the patients, in each draw
SIDES = ("train", "holdout")

Floats = NDArray[np.float64]


def of_sides(index: Index, texts: Coded, sides: Sides) -> list[BestMatches]:
    """The nearest reports of either side, train first. `texts` are coded by the vocabulary of
    `index`, an index of ``sides.texts``.
    """
    n_train = int(sides.is_train.sum())
    return best_matches(index, texts, [(0, n_train), (n_train, len(sides.texts))])


def figures(
    found: Sequence[BestMatches],
    index: Index,
    texts: Coded,
    sides: Sides,
    boilerplate: int,
    random_seed: int,
) -> dict[str, object]:
    """Numbers for the metrics file, of what `of_sides` has `found`; `boilerplate`: patients from
    which on a shared n-gram is a formula.
    """
    nearest = [nearest_of(one, sides, side) for one, side in zip(found, SIDES, strict=True)]
    top = max(round(len(texts) / 100), 1)
    means = {
        "mean": [side.mean() for side in nearest],
        "mean_of_top_percent": [side.mean_of_highest(top) for side in nearest],
        f"mean_of_top_{COMPANION_TOP}": [side.mean_of_highest(COMPANION_TOP) for side in nearest],
    }
    recall = {name: as_dict(used, unused) for name, (used, unused) in means.items()}
    values = [np.percentile(side.first, list(PERCENTILES.values())) for side in nearest]
    spreads = [
        _variances(
            one, *_numbered(sides, side), seeding.rng(random_seed, "patients left out", side)
        )
        for one, side in zip(found, SIDES, strict=True)
    ]
    for at, name in enumerate(PERCENTILES):
        used, unused = (float(side[at]) for side in values)
        variance = float(spreads[0][at] + spreads[1][at])
        gap = limits(used - unused, variance, sides.n_patients)
        recall[name] = {"train": used, "holdout": unused, "difference": gap.as_dict()}
    sources = _document_frequency(index, texts, found, sides, boilerplate)
    return {
        "recall": recall,
        **{
            name: {
                "recall": spread(side.first),
                "precision": float(own.precisions[:, 0].mean()),
                "f_measure": float(own.f_measures[:, 0].mean()),
                "shared_ngrams_of": source,
            }
            for name, side, own, source in zip(SIDES, nearest, found, sources, strict=True)
        },
    }


def nearest_of(found: BestMatches, sides: Sides, side: str) -> Nearest:
    """Recall of each synthetic report's best match, and of the best one of any other patient (0
    where none of those kept is of another: the interval is then too wide, never too narrow).
    """
    numbers, count = _numbered(sides, side)
    patients = np.append(numbers, -1)[found.reports]
    other = (patients != patients[:, :1]) & (patients >= 0)
    recalls = found.recalls
    at = other.argmax(axis=1)
    second = np.where(other.any(axis=1), recalls[np.arange(len(at)), at], 0.0)
    return Nearest(recalls[:, 0], patients[:, 0], second, count)


def _numbered(sides: Sides, side: str) -> tuple[Int64, int]:
    """Patient of each report, counted from 0 within the side, and how many it has."""
    split = sides.train_patients
    if side == "train":
        return sides.patients, split
    return sides.patients - split, sides.n_patients - split


def _variances(found: BestMatches, patients: Int64, count: int, rng: np.random.Generator) -> Floats:
    """Variance over patients of each percentile of the best matches' recalls: the delete-d
    jackknife, which holds for percentiles as the one by one does not (Shao and Wu 1989):
    (n - d) / d times the spread over draws that leave out d of the n patients.

    d is an eighth: on 60 random divisions of real reports (E3C) and of demo reports the percentiles
    then differed between sides as much as this says; halves and a bootstrap say half as much, as
    they lose too many of the nearest reports. A text all of whose nearest are left out counts as 0:
    eight to the power of minus ten, where they are of different patients.
    """
    whose = np.append(patients, count)[found.reports]  # nobody has the number `count`
    recalls, rows = found.recalls, np.arange(len(whose))
    n_left_out = max(round(count * LEFT_OUT), 1)
    told = np.zeros((DRAWS, len(PERCENTILES)))
    for draw in told:
        present = np.ones(count + 1, dtype=np.bool_)
        present[rng.permutation(count)[:n_left_out]] = False
        there = present[whose]
        at = there.argmax(axis=1)
        best = np.where(there[rows, at], recalls[rows, at], 0.0)
        draw[:] = np.percentile(best, list(PERCENTILES.values()))
    return np.asarray(told.var(axis=0) * (count - n_left_out) / n_left_out)


def _document_frequency(
    index: Index, texts: Coded, found: Sequence[BestMatches], sides: Sides, boilerplate: int
) -> list[dict[str, float]]:
    """Of the n-grams that synthetic reports share with their best match on each side: the share
    that stand in the reports of one patient only (what a leak looks like), of fewer than
    `boilerplate` patients, and of more (formulas). Patients of both sides.
    """
    patients = sides.patients[index.coded.text_of].astype(np.int32)
    n_patients, _ = patients_with(index.ids, patients, index.n_different)
    kind = np.digitize(n_patients[index.ngram_of], [2, max(boilerplate, 2)])
    counts = np.zeros((len(found), 3))
    for which, items in index.blocks(texts, np.zeros(index.n_items, np.int64), "their sources"):
        for own, side in zip(counts, found, strict=True):
            best = side.reports[which, 0]
            there = np.flatnonzero(best >= 0)
            both = items[there].multiply(index.items[best[there]]).tocsr()
            own += np.bincount(kind[both.indices], minlength=3)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = ("one_patient", "few_patients", "boilerplate")
    return [dict(zip(names, map(float, own), strict=True)) for own in shares]
