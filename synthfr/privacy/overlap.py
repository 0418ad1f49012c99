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
from synthfr.privacy.coded import Int64, Vocabulary
from synthfr.privacy.leave_one_out import Nearest, as_dict
from synthfr.privacy.matches import NOBODY, longest_runs
from synthfr.privacy.shared_ngrams import Found, SharedNgrams
from synthfr.privacy.sides import Sides
from synthfr.stats import Interval, mean_interval, wilson
from synthfr.text.tokens import lower_words

if TYPE_CHECKING:
    import pandas as pd


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
        shared = {
            name: as_dict(getattr(used, name), getattr(unused, name))
            for name in ("containment", "jaccard", "report_share", "reports_sharing")
        }
        runs = as_dict(*(side.mean() for side in self.runs))
        return {
            "train": self.train.as_dict(),
            "holdout": self.holdout.as_dict(),
            "gap": {
                "containment": shared["containment"]["difference"]["mean"],
                "report_share": shared["report_share"]["difference"],
                "longest_run_words": runs["difference"],
                "compared_reports": self.compared_reports,
            },
            "shared_ngrams": shared,
            "longest_run_words": {
                "mean": runs,
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
    found = Found.of(texts, real, n)
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
        Overlap(*found.of_texts(mask[real.text_of]), own)
        for mask, own in zip(masks, longest, strict=True)
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
