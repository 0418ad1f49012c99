"""Bootstrap: how a figure would vary with other patients (or codes) of the same kind.

`owners`: a number for the patient of each document, from 0 up; a patient is drawn with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.bootstrap import Owners, n_patients, patient_weights
from synthfr.coding.metrics import Floats

RESAMPLES = 1000
_AT_ONCE = 4_000_000  # numbers held for the resamples that are drawn together: 32 MB


def drawn(owners: Owners, resamples: int, seed: int, purpose: str) -> Iterator[NDArray[np.int64]]:
    """Positions of the documents of as many patients as there are, drawn with replacement: blocks
    of rows, `resamples` rows in all, each of shape (rows, documents); a resample of patients with
    more or fewer documents than others is a block of its own.
    """
    rng = seeding.rng(seed, "bootstrap", purpose)
    n = n_patients(owners)
    rows = max(1, _AT_ONCE // max(1, len(owners)))
    by_owner = np.argsort(owners, kind="stable")
    held = np.bincount(owners, minlength=n)
    first = held.cumsum() - held
    for start in range(0, resamples, rows):
        chosen = rng.integers(0, n, size=(min(rows, resamples - start), n))
        if n == len(owners):
            yield by_owner[chosen]
            continue
        for row in chosen:
            count = held[row]
            within = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
            yield by_owner[np.repeat(first[row], count) + within][None]


def weights(owners: Owners, resamples: int, seed: int, purpose: str) -> Iterator[Floats]:
    """How often each document is in a resample: blocks of shape (rows, n_documents)."""
    for block in patient_weights(owners, seeding.rng(seed, "bootstrap", purpose), resamples):
        yield block.astype(np.float64)
