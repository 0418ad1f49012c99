"""Whom the reports of a table are about: limits and draws count patients, not their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def owners_of(reports: pd.DataFrame) -> list[str]:
    """The patient of each report (REPORTS); without the column patient_id a report's patient is
    not known, and each is a patient of its own.
    """
    column = "patient_id" if "patient_id" in reports else "report_id"
    return [str(one) for one in reports[column]]
