"""Does a synthetic data set repeat private reports? Word sequences that they share.

Reports of one hospital share formulas, so some overlap is innocent. What only memorisation explains
is more overlap with the reports that the loop has used (train) than with equally many it has never
seen (holdout): the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr.errors import UserError
from synthfr.privacy.coded import Coded, Int32, Int64, Vocabulary
from synthfr.privacy.leave_one_out import Figure, Nearest, as_dict, difference
from synthfr.privacy.matches import NOBODY, longest_runs
from synthfr.privacy.ngrams import Ngrams, n_different, patients_with
from synthfr.privacy.sides import Sides
from synthfr.stats import Interval, mean_interval, wilson
from synthfr.text.tokens import lower_words

if TYPE_CHECKING:
    import pandas as pd

Bools = NDArray[np.bool_]

_BLOCK_WORDS = 4_000_000


@dataclass(frozen=True)
class Overlap:
    """What synthetic reports share with all real ones of a side.

    A and B: the sets of different n-grams of the real and of the synthetic reports.

    Attributes:
        containment: |A ∩ B| / |B|, the share of the synthetic n-grams that are real ones.
        jaccard: |A ∩ B| / |A ∪ B| (Kiefer et al. 2025); shrinks as the sets differ in size.
        shares: of each synthetic report, the share of its n-grams that are real ones, shape
            (n_reports,); a report shorter than n words has none: 0.
        longest_runs: of each synthetic report, the words of its longest run that is a real one,
            shape (n_reports,).
    """

    containment: float
    jaccard: float
    shares: NDArray[np.float64]
    longest_runs: Int64

    @property
    def reports_sharing(self) -> Interval:
        """Share of synthetic reports with at least one real n-gram, with its Wilson interval."""
        return wilson(int((self.shares > 0).sum()), len(self.shares))

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "containment": self.containment,
            "jaccard": self.jaccard,
            "report_share": mean_interval(self.shares).as_dict(),
            "reports_sharing": self.reports_sharing.as_dict(),
            "longest_run_words": {
                **spread(self.longest_runs, percentiles=(95,)),
                "max": int(self.longest_runs.max()),
            },
        }


@dataclass(frozen=True)
class SharedNgrams:
    """What synthetic reports share with one side of `Sides`: the figures of `Overlap`, each also
    without each patient.
    """

    containment: Figure
    jaccard: Figure
    report_share: Figure
    reports_sharing: Figure


@dataclass(frozen=True)
class Audit:
    """Overlap with train and with holdout, and their difference at equal numbers of real reports.

    Attributes:
        train, holdout: all reports of each side.
        ngrams, runs: train and holdout in equal numbers (`Sides`).
        compared_reports: how many reports of each side those are.

    The intervals of differences are over private patients: two samples of real reports also differ
    by chance. Those of `train` and `holdout` are over synthetic reports.
    """

    train: Overlap
    holdout: Overlap
    ngrams: tuple[SharedNgrams, SharedNgrams]
    runs: tuple[Nearest, Nearest]
    compared_reports: int

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        used, unused = self.ngrams
        runs = [side.mean() for side in self.runs]
        return {
            "train": self.train.as_dict(),
            "holdout": self.holdout.as_dict(),
            "gap": {
                "containment": used.containment.value - unused.containment.value,
                "report_share": difference(used.report_share, unused.report_share).as_dict(),
                "longest_run_words": difference(*runs).as_dict(),
                "compared_reports": self.compared_reports,
            },
            "shared_ngrams": {
                name: as_dict(getattr(used, name), getattr(unused, name))
                for name in ("containment", "jaccard", "report_share", "reports_sharing")
            },
            "longest_run_words": {
                "mean": as_dict(*runs),
                **{
                    name: spread(side.first)
                    for name, side in zip(("train", "holdout"), self.runs, strict=True)
                },
            },
        }


def audit(
    synthetic: Sequence[str], train: pd.DataFrame, holdout: pd.DataFrame, sides: Sides, n: int
) -> Audit:
    """Audit synthetic reports against private ones by n-grams of lower-cased white-space words.

    Frames have report_id and text; `sides` holds those reports of them that are compared in equal
    numbers. UserError where there is no synthetic report.
    """
    if not len(synthetic):
        raise UserError("privacy: the data set has no report: nothing can be audited.")
    vocabulary = Vocabulary(lower_words)
    rest = [text for frame in (train, holdout) for text in _left_out(frame, sides)]
    real = vocabulary.code([*sides.texts, *rest])
    n_rest = len(_left_out(train, sides))
    is_train = np.concatenate(
        [sides.is_train, np.arange(len(rest)) < n_rest],  # those left out of train stand first
    )
    patients = np.append(sides.patients, np.full(len(rest), NOBODY))
    texts = vocabulary.code(synthetic)
    masks = [is_train, ~is_train]
    owners = [np.where(mask, patients, NOBODY) for mask in masks]
    whole = owners if not rest else [*owners, *(np.where(mask, 0, NOBODY) for mask in masks)]
    runs = longest_runs(texts, real, whole)
    found = _Found.of(texts, real, n)
    longest = [run.longest for run in runs[-2:]]
    nearest = [
        Nearest(
            run.longest.astype(np.float64),
            np.where(run.owner >= 0, run.owner - first, NOBODY),
            run.of_others.astype(np.float64),
            count,
        )
        for run, (first, count) in zip(runs, _patients(sides), strict=False)
    ]
    equal = [
        found.by_patient(own[real.text_of], first, count)
        for own, (first, count) in zip(owners, _patients(sides), strict=True)
    ]
    used, unused = (
        found.overlap(mask[real.text_of], own) for mask, own in zip(masks, longest, strict=True)
    )
    return Audit(
        train=used,
        holdout=unused,
        ngrams=(equal[0], equal[1]),
        runs=(nearest[0], nearest[1]),
        compared_reports=int(min(sides.is_train.sum(), (~sides.is_train).sum())),
    )


def spread(
    values: NDArray[np.float64] | Int64, percentiles: tuple[int, ...] = (95, 99)
) -> dict[str, float]:
    """Mean, median, high percentiles and maximum, for the metrics file."""
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        **{f"p{at}": float(np.percentile(values, at)) for at in percentiles},
        "max": float(values.max()),
    }


@dataclass(frozen=True)
class _Found:
    """Real n-grams found in synthetic texts.

    Attributes:
        texts, ngrams: of each occurrence, the synthetic text and the n-gram.
        totals: n-grams of each synthetic text, shape (n_texts,).
        n_different: different n-grams of the synthetic texts.
        real: n-gram at each position of the real texts.
        size: different n-grams of those.
    """

    texts: Int32
    ngrams: Int32
    totals: Int64
    n_different: int
    real: Int32
    size: int

    @classmethod
    def of(cls, texts: Coded, real: Coded, n: int) -> _Found:
        table = Ngrams(real, n)
        where, what = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for which, block in texts.blocks(_BLOCK_WORDS):
            ids = table.look_up(block.numbers)
            known = ids >= 0
            where.append(block.text_of[known] + np.int32(which.start))
            what.append(ids[known])
        totals = np.maximum(texts.lengths - n + 1, 0)
        different = n_different(texts, n)
        return cls(
            np.concatenate(where), np.concatenate(what), totals, different, table.ids, table.size
        )

    def overlap(self, asked: Bools, longest: Int64) -> Overlap:
        """With all real texts whose positions are asked for."""
        there = self._has(self.real[asked])
        shared = int((self._has(self.ngrams) & there).sum())
        together = int(there.sum()) + self.n_different - shared
        copied = np.bincount(self.texts[there[self.ngrams]], minlength=len(self.totals))
        return Overlap(
            containment=shared / max(self.n_different, 1),
            jaccard=shared / max(together, 1),
            shares=copied / np.maximum(self.totals, 1),
            longest_runs=longest,
        )

    def by_patient(self, patients: Int64, first: int, count: int) -> SharedNgrams:
        """With the real texts of these patients, numbered from `first` on (`NOBODY`: the position
        does not count).
        """
        own = np.where(patients >= 0, patients - first, NOBODY).astype(np.int32)
        n_patients, only = patients_with(self.real, own, self.size)
        there = n_patients > 0
        here = there[self.ngrams]
        texts, whose = self.texts[here], only[self.ngrams[here]]
        seen = self._has(self.ngrams) & there
        shared = seen.sum() - _times(only[seen], count)
        all_real = there.sum() - _times(only[there], count)
        n_texts = len(self.totals)
        copied = np.bincount(texts, minlength=n_texts)
        falls = _times(whose, count, 1 / np.maximum(self.totals, 1)[texts]) / n_texts
        share = float((copied / np.maximum(self.totals, 1)).mean())
        # reports all of whose real n-grams are of the same single patient
        least, most = np.full(n_texts, count), np.full(n_texts, NOBODY)
        np.minimum.at(least, texts, whose)
        np.maximum.at(most, texts, whose)
        lost = _times(least[(copied > 0) & (least == most)], count) / n_texts
        sharing = float((copied > 0).mean())
        size = max(self.n_different, 1)
        together = max(int(there.sum()) + self.n_different - int(seen.sum()), 1)
        return SharedNgrams(
            Figure(float(seen.sum() / size), shared / size),
            Figure(
                float(seen.sum() / together),
                shared / np.maximum(all_real + self.n_different - shared, 1),
            ),
            Figure(share, share - falls),
            Figure(sharing, sharing - lost),
        )

    def _has(self, ngrams: Int32) -> Bools:
        has = np.zeros(self.size, dtype=np.bool_)
        has[ngrams[ngrams >= 0]] = True
        return has


def _times(owners: Int64, count: int, weights: NDArray[np.float64] | None = None) -> Int64:
    known = owners >= 0
    return np.bincount(owners[known], None if weights is None else weights[known], minlength=count)


def _left_out(reports: pd.DataFrame, sides: Sides) -> list[str]:
    """Texts of the reports that are not compared."""
    compared = set(sides.ids)
    return [
        text
        for name, text in zip(reports["report_id"], reports["text"], strict=True)
        if str(name) not in compared
    ]


def _patients(sides: Sides) -> tuple[tuple[int, int], tuple[int, int]]:
    """Number of the first patient of each side, and how many there are."""
    split = sides.train_patients
    return (0, split), (split, sides.n_patients - split)
