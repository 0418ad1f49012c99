"""Which training reports a coder is fitted on, and which ones tune its threshold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthfr import seeding
from synthfr.coding.coder import Rows

if TYPE_CHECKING:
    from synthfr.coding.grid import Classify


@dataclass(frozen=True)
class Split:
    """Rows of one sample of the training reports: to fit on, and to tune the threshold on."""

    fit: Rows
    validation: Rows


def sample_of(
    report_ids: Sequence[str], params: Classify, size: int, seed: int, random_seed: int
) -> Split:
    """The rows of a cell of the grid with this size and seed."""
    return split_sample(shuffled_rows(report_ids, random_seed, seed), size, params)


def shuffled_rows(report_ids: Iterable[str], random_seed: int, seed: int) -> Rows:
    """Row numbers in an order drawn by `seed` that depends on the ids alone."""
    draws = [
        (seeding.derive(random_seed, "classify", seed, report_id), row)
        for row, report_id in enumerate(report_ids)
    ]
    return np.array([row for _, row in sorted(draws)], dtype=np.int64)


def split_sample(shuffled: Rows, size: int, params: Classify) -> Split:
    """Part a sample of `size` rows: `params.validation_share` of it tunes the threshold, the rest
    trains.
    """
    sample = shuffled[:size] if params.sample == "drawn" else shuffled[shuffled < size]
    n_validation = min(len(sample) - 1, max(1, round(len(sample) * params.validation_share)))
    return Split(fit=sample[n_validation:], validation=sample[:n_validation])
