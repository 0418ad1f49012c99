"""Which reports of a corpus are compared: as many of each, drawn by what they say.

A distance between two samples falls with their size, so that all corpora are compared at the same
size. A report is drawn by its text and codes, never by its id or its row: corpora that are equal
give equal samples, whatever their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding

if TYPE_CHECKING:
    import pandas as pd


def shuffled(reports: pd.DataFrame, random_seed: int) -> pd.DataFrame:
    """The reports (columns text, codes) in an order drawn from the seed and from what each says:
    its first rows are a random sample. The n-th copy of a report has a draw of its own.
    """
    keys = [(text, *codes) for text, codes in zip(reports["text"], reports["codes"], strict=True)]
    seen: dict[tuple[str, ...], int] = {}
    draws = []
    for row, key in enumerate(keys):
        copy = seen[key] = seen.get(key, -1) + 1
        draws.append((seeding.derive(random_seed, "fidelity sample", copy, *key), key, row))
    return reports.iloc[[row for *_, row in sorted(draws)]].reset_index(drop=True)


def halves(reports: pd.DataFrame, random_seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The reports in two parts, whole patients in each, as many of them (or one more in the
    first); a report without a patient_id is a patient of its own.
    """
    owners = owners_of(reports)
    people = sorted(
        set(owners), key=lambda one: (seeding.derive(random_seed, "fidelity half", one), one)
    )
    first = set(people[: (len(people) + 1) // 2])
    is_first = np.array([one in first for one in owners], dtype=np.bool_)
    return reports[is_first], reports[~is_first]


def owners_of(reports: pd.DataFrame) -> list[str]:
    """Whom each report is about."""
    column = "patient_id" if "patient_id" in reports else "report_id"
    return [str(one) for one in reports[column]]
