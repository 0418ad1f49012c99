"""Which reports of a corpus are compared: as many of each, drawn by what they say.

A distance between two samples falls with their size, so that all corpora are compared at the same
size. A report is drawn by its text and codes, never by its id or its row: corpora that are equal
give equal samples, whatever their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.records import owners_of

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


def dealt(
    owners: Mapping[str, Sequence[str]], most: int, fewest: int
) -> dict[str, NDArray[np.int64]]:
    """Rows of each side, dealt into as many parts of one size: shape (n_parts, size).

    Side by side, patients are taken in the order of their first reports, and a part is filled with
    all of a patient's reports as far as there is room: no patient is in two parts. There are `most`
    parts, or as many as have `fewest` rows, and they are as large as they can be; at least one.
    """
    n = min(map(len, owners.values()))
    for parts in range(min(most, n // fewest), 1, -1):
        for size in range(n // parts, fewest - 1, -1):
            found = {name: _filled(own, parts, size) for name, own in owners.items()}
            if all(len(rows) == parts for rows in found.values()):
                return {name: np.array(rows) for name, rows in found.items()}
    return {name: np.arange(n)[None] for name in owners}


def _filled(owners: Sequence[str], parts: int, size: int) -> list[list[int]]:
    """As many parts as can be filled, `parts` at most."""
    rows_of: dict[str, list[int]] = {}
    for row, owner in enumerate(owners):
        rows_of.setdefault(owner, []).append(row)
    full: list[list[int]] = []
    part: list[int] = []
    for rows in rows_of.values():
        part += rows[: size - len(part)]
        if len(part) == size:
            full.append(part)
            part = []
    return full[:parts]
