"""Whom the reports of a table are about: limits and draws count patients, not their documents."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def owners_of(reports: pd.DataFrame) -> list[str]:
    """The patient of each report (REPORTS); without the column patient_id a report's patient is
    not known, and each is a patient of its own.
    """
    column = "patient_id" if "patient_id" in reports else "report_id"
    return [str(one) for one in reports[column]]


def numbered(owners: Collection[str]) -> NDArray[np.int64]:
    """A number for each owner, equal for equal ones, from 0 up in the order of first places."""
    number = {name: place for place, name in enumerate(dict.fromkeys(owners))}
    return np.array([number[name] for name in owners], dtype=np.int64)


def shared_patients(one: pd.DataFrame, other: pd.DataFrame) -> set[str]:
    """Patients with reports in both tables (REPORTS). Where one does not know patients, each report
    is a patient of its own in both.
    """
    if "patient_id" in one and "patient_id" in other:
        return set(owners_of(one)) & set(owners_of(other))
    return set(map(str, one["report_id"])) & set(map(str, other["report_id"]))
