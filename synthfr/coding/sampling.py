"""Which training reports a coder is fitted on, and which ones tune its threshold: none of a patient
that it is fitted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.coding.coder import Rows
from synthfr.records import numbered, owners_of

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.bootstrap import Owners
    from synthfr.coding.grid import Classify


@dataclass(frozen=True)
class Split:
    """Rows of one sample of the training reports: to fit on, and to tune the threshold on."""

    fit: Rows
    validation: Rows


def sample_of(
    reports: pd.DataFrame, params: Classify, size: int, seed: int, random_seed: int
) -> Split:
    """The rows of a cell of the grid with this size and seed, of reports (columns report_id, and
    patient_id where it is known; without it each report is of a patient of its own).
    """
    shuffled = shuffled_rows(reports["report_id"], random_seed, seed)
    return split_sample(shuffled, numbered(owners_of(reports)), size, params)


def shuffled_rows(report_ids: Iterable[str], random_seed: int, seed: int) -> Rows:
    """Row numbers in an order drawn by `seed` that depends on the ids alone."""
    draws = [
        (seeding.derive(random_seed, "classify", seed, report_id), row)
        for row, report_id in enumerate(report_ids)
    ]
    return np.array([row for _, row in sorted(draws)], dtype=np.int64)


def split_sample(shuffled: Rows, owners: Owners, size: int, params: Classify) -> Split:
    """Part a sample of `size` rows: `params.validation_share` of it tunes the threshold, the rest
    trains.

    To the former go whole patients, in drawn order, as far as they fit in: those of one report are
    as many as asked for. While it has less than half of what was asked for, the patient with the
    fewest reports that are left goes there, too; the last patient always trains.

    Args:
        shuffled: rows in drawn order.
        owners: a number for the patient of each row, shape (n_rows,).
    """
    sample = shuffled[:size] if params.sample == "drawn" else shuffled[shuffled < size]
    n_validation = min(len(sample) - 1, max(1, round(len(sample) * params.validation_share)))
    of_patient = Counter(owners[sample].tolist())  # in drawn order
    chosen: set[int] = set()
    left = n_validation
    for patient, reports in of_patient.items():
        if reports <= left:
            chosen.add(patient)
            left -= reports
    too_large = [patient for patient in of_patient if patient not in chosen]
    for patient in sorted(too_large, key=lambda patient: of_patient[patient])[:-1]:
        if 2 * left > n_validation:
            chosen.add(patient)
            left -= of_patient[patient]
    held_out = np.isin(owners[sample], list(chosen))
    return Split(fit=sample[~held_out], validation=sample[held_out])
