"""Of which private documents it is known whom they are about: a guarantee protects patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def patient_known(reports: pd.DataFrame) -> list[bool]:
    """Of each report whether its table, with or without a column patient_id, says it."""
    if "patient_id" not in reports:
        return [False] * len(reports)
    return [isinstance(one, str) and bool(one.strip()) for one in reports["patient_id"]]
