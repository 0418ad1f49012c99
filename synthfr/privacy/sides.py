"""Private reports of two sides in equal numbers: those that the loop has used (train) and those it
has never seen (holdout). What only memorisation explains is a difference between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.records import owners_of, shared_patients
from synthfr.text.tokens import composed

if TYPE_CHECKING:
    import pandas as pd

FEWEST_REPORTS = 20  # of each side


class TooFewReports(UserError):
    """A private side is too small for any comparison."""


@dataclass(frozen=True)
class Sides:
    """Reports of both sides, train first; position i is the same report in every field.

    Attributes:
        ids: report_id.
        texts: in Unicode's composed form (NFC), so that an accent written in two characters is
            the letter that it looks like.
        codes: ICD-10 codes of each.
        languages: of each.
        is_train: shape (n_reports,); as many True as False, or nearly so where patients have
            several reports.
        patients: number of each report's patient, 0 up to `n_patients`, shape (n_reports,). A
            patient stands on one side only.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    codes: tuple[tuple[str, ...], ...]
    languages: tuple[str, ...]
    is_train: NDArray[np.bool_]
    patients: NDArray[np.int64]

    @classmethod
    def of(cls, train: pd.DataFrame, holdout: pd.DataFrame, random_seed: int) -> Sides:
        """From two tables of reports (REPORTS). Whole patients of the larger side are left out,
        by draw, until it has no more reports than the smaller one: more reports hold more of
        everything, whoever used them. Each side is in the order of its ids: that of the tables
        makes no difference.

        TooFewReports where a side has fewer than `FEWEST_REPORTS` reports, in its table or of whole
        patients; UserError where a report or a patient stands on both.
        """
        for name, side in (("train", train), ("holdout", holdout)):
            if len(side) < FEWEST_REPORTS:
                raise TooFewReports(
                    f"privacy: data/private/{name} has {len(side)} reports, and an audit compares "
                    f"at least {FEWEST_REPORTS} of each side: give more private reports "
                    "(seed.files.holdout_share divides them)."
                )
        train, holdout = (side.sort_values("report_id") for side in (train, holdout))
        shared_text = set(map(composed, train["text"])) & set(map(composed, holdout["text"]))
        owners = [owners_of(train), owners_of(holdout)]
        shared_owner = shared_patients(train, holdout)
        if shared_text or shared_owner:
            what = "report" if shared_text else "patient"
            number = len(shared_text or shared_owner)
            raise UserError(
                f"privacy: {number} {what}(s) stand in both data/private/train and "
                "data/private/holdout, which would hide what was memorised: remove the copies "
                "from the private reports, or give patient_id, and run seed again."
            )
        most = min(len(train), len(holdout))
        kept = [
            side.loc[_whole_patients(of, most, random_seed)]
            for side, of in zip((train, holdout), owners, strict=True)
        ]
        for name, side in zip(("train", "holdout"), kept, strict=True):
            if len(side) < FEWEST_REPORTS:
                raise TooFewReports(
                    f"privacy: data/private/{name} has too many reports of the same patients: of "
                    f"whole patients {len(side)} reports fit into the {most} of the other side, "
                    f"and an audit compares at least {FEWEST_REPORTS}: give reports of more "
                    "patients."
                )
        names = [*owners_of(kept[0]), *owners_of(kept[1])]
        number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}

        def column(name: str) -> list[object]:
            return [*kept[0][name], *kept[1][name]]

        return cls(
            ids=tuple(map(str, column("report_id"))),
            texts=tuple(composed(str(text)) for text in column("text")),
            codes=tuple(tuple(codes) for codes in column("codes")),  # type: ignore[arg-type]
            languages=tuple(map(str, column("language"))),
            is_train=np.arange(len(names)) < len(kept[0]),
            patients=np.array([number_of[name] for name in names], dtype=np.int64),
        )

    @property
    def n_patients(self) -> int:
        return int(self.patients.max()) + 1

    @property
    def train_patients(self) -> int:
        """Patients of the side `train`; their numbers are the lowest ones."""
        return len(np.unique(self.patients[self.is_train]))


def _whole_patients(owners: Sequence[str], most: int, random_seed: int) -> NDArray[np.bool_]:
    """Which rows stay: all of as many patients, in drawn order, as fit into `most` rows."""
    rows_of: dict[str, int] = {}
    for owner in owners:
        rows_of[owner] = rows_of.get(owner, 0) + 1
    left, chosen = most, set()
    for owner in sorted(rows_of, key=lambda one: seeding.derive(random_seed, "sides", one)):
        if rows_of[owner] <= left:
            chosen.add(owner)
            left -= rows_of[owner]
    return np.array([owner in chosen for owner in owners], dtype=np.bool_)
