"""Does a synthetic data set repeat private reports? Word sequences that they share.

Reports of one hospital share formulas, so some overlap is innocent. What only memorisation explains
is more overlap with the reports that the loop has used (train) than with equally many it has never
seen (holdout): the gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.privacy.attributes import Attributes
from synthfr.privacy.matches import Matches
from synthfr.privacy.membership.settings import Membership
from synthfr.section import Count, Section
from synthfr.stats import Interval, mean_interval, paired_difference, wilson

if TYPE_CHECKING:
    import pandas as pd


class Privacy(Section):
    """Parameters `privacy`: see the comments in params.yaml."""

    ngram: Count = 8
    membership: Membership = Membership()
    attributes: Attributes = Attributes()


@dataclass(frozen=True)
class Overlap:
    """What synthetic reports share with real ones.

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
    longest_runs: NDArray[np.int64]

    @property
    def reports_sharing(self) -> Interval:
        """Share of synthetic reports with at least one real n-gram, with its Wilson interval."""
        return wilson(int((self.shares > 0).sum()), len(self.shares))

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        runs = self.longest_runs
        return {
            "containment": self.containment,
            "jaccard": self.jaccard,
            "report_share": mean_interval(self.shares).as_dict(),
            "reports_sharing": self.reports_sharing.as_dict(),
            "longest_run_words": {
                "mean": float(runs.mean()),
                "median": float(np.median(runs)),
                "p95": float(np.quantile(runs, 0.95)),
                "max": int(runs.max()),
            },
        }


@dataclass(frozen=True)
class Audit:
    """Overlap with train and with holdout, and their difference at equal numbers of real reports.

    Attributes:
        train, holdout: all reports of each side.
        containment_gap: containment in train minus in holdout.
        share_gap: the same for a report's share of real n-grams, with its paired interval over
            reports.
        longest_run_gap: the same for its longest real run, in words.
        compared_reports: how many reports of each side the gaps are over.

    The intervals are over synthetic reports, with these private reports given: two samples of real
    reports also differ by chance, so a gap of a few words or tenths of a per cent proves nothing.
    """

    train: Overlap
    holdout: Overlap
    containment_gap: float
    share_gap: Interval
    longest_run_gap: Interval
    compared_reports: int

    def as_dict(self) -> dict[str, object]:
        """Numbers for the metrics file."""
        return {
            "train": self.train.as_dict(),
            "holdout": self.holdout.as_dict(),
            "gap": {
                "containment": self.containment_gap,
                "report_share": self.share_gap.as_dict(),
                "longest_run_words": self.longest_run_gap.as_dict(),
                "compared_reports": self.compared_reports,
            },
        }


def audit(
    synthetic: pd.DataFrame,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    n: int,
    random_seed: int,
) -> Audit:
    """Audit synthetic reports against private ones by n-grams of lower-cased white-space words.

    Frames have report_id and text. For the gaps, the larger private side is cut to the size of the
    smaller one (chosen by id), because more reports hold more n-grams, whoever used them.
    """
    compared = min(len(train), len(holdout))
    train_texts = _by_draw(train, random_seed)
    holdout_texts = _by_draw(holdout, random_seed)
    synthetic_texts = synthetic["text"].tolist()
    whole = Matches(synthetic_texts, train_texts, holdout_texts)
    used, unused = _overlap(whole, 1, n), _overlap(whole, 2, n)
    if len(train) == len(holdout):
        seen, unseen = used, unused
    else:
        cut = Matches(synthetic_texts, train_texts[:compared], holdout_texts[:compared])
        seen, unseen = _overlap(cut, 1, n), _overlap(cut, 2, n)
    return Audit(
        train=used,
        holdout=unused,
        containment_gap=seen.containment - unseen.containment,
        share_gap=paired_difference(seen.shares, unseen.shares),
        longest_run_gap=paired_difference(seen.longest_runs, unseen.longest_runs),
        compared_reports=compared,
    )


def _overlap(matches: Matches, source: int, n: int) -> Overlap:
    """Corpus 0 (synthetic) against corpus `source`."""
    real = np.unique(matches.ngrams(source, n)[0])
    found, report_of = matches.ngrams(0, n)
    synthetic = np.unique(found)
    shared = np.intersect1d(real, synthetic, assume_unique=True).size
    together = real.size + synthetic.size - shared
    runs = matches.longest_runs(0, source)
    total = np.bincount(report_of, minlength=len(runs))
    copied = np.bincount(report_of[np.isin(found, real)], minlength=len(runs))
    return Overlap(
        containment=shared / synthetic.size if synthetic.size else 0.0,
        jaccard=shared / together if together else 0.0,
        shares=copied / np.maximum(total, 1),
        longest_runs=runs,
    )


def _by_draw(reports: pd.DataFrame, random_seed: int) -> list[str]:
    """Texts in an order that depends on their ids alone."""
    draws = [
        (seeding.derive(random_seed, "privacy", report_id), text)
        for report_id, text in zip(reports["report_id"], reports["text"], strict=True)
    ]
    return [text for _, text in sorted(draws)]
