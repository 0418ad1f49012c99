"""Which reports of a corpus are compared: as many of each, drawn by what they say.

A distance between two samples falls with their size, so that all corpora are compared at the same
size. A report is drawn by its text and codes, never by its id or its row: corpora that are equal
give equal samples, whatever their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

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
    half = dealt(owners_of(reports), 2, random_seed, "half")
    return reports[half == 0], reports[half == 1]


def dealt(owners: Sequence[str], parts: int, random_seed: int, *purpose: str) -> NDArray[np.int64]:
    """The part in [0, parts) of each report, shape (n_reports,): one part for all of an owner's,
    and as many owners in each, by a draw that does not depend on the order of the reports.
    """
    people = sorted(
        set(owners),
        key=lambda one: (seeding.derive(random_seed, "fidelity part", *purpose, one), one),
    )
    part_of = {one: place % parts for place, one in enumerate(people)}
    return np.array([part_of[one] for one in owners], dtype=np.int64)


def owners_of(reports: pd.DataFrame) -> list[str]:
    """Whom each report is about."""
    column = "patient_id" if "patient_id" in reports else "report_id"
    return [str(one) for one in reports[column]]
