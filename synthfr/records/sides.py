"""The two private sides read together: what was learnt from, and what it is judged on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.errors import UserError
from synthfr.records.owners import shared_patients
from synthfr.records.schemas import REPORTS
from synthfr.records.table import read_table

if TYPE_CHECKING:
    import pandas as pd


def read_sides(train: str | Path, holdout: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables (REPORTS), with no patient on both sides.

    Raises:
        UserError: as `read_table`; or a patient has reports in both, and whatever is judged on them
            knows them already.
    """
    both = read_table(train, REPORTS), read_table(holdout, REPORTS)
    if shared := shared_patients(*both):
        raise UserError(
            f"{len(shared)} patient(s) have reports in both {train} and {holdout}, so that what "
            "learnt from the one cannot be judged on the other: split the private reports by "
            "patient (map patient_id in seed.files.private.columns), and run seed again."
        )
    return both
