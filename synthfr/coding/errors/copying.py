"""Does a coder give back whole code sets that it was trained on?

Without a baseline the answer says nothing: true sets repeat each other too. So both are counted
against the same training sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.metrics import Bools
from synthfr.stats import clustered_wilson

EXACT, SUBSET, EMPTY, OTHER = "exact", "strict_subset", "empty", "other"
CLASSES = (EXACT, SUBSET, EMPTY, OTHER)


def classify_sets(sets: Bools, training: Bools) -> NDArray[np.str_]:
    """The class of each document's code set, shape (n_documents,).

    ``empty``: no code; ``exact``: the set of at least one training document; ``strict_subset``: not
    exact, but part of one; ``other``: of neither kind. `training`: shape (n_training, n_labels).
    """
    distinct, place = np.unique(sets, axis=0, return_inverse=True)
    known = np.unique(training, axis=0) if len(training) else training
    # one row of bits a label, one bit a training set: a set is part of those left by `and`
    bits = np.packbits(known, axis=0).T
    whole = {row.tobytes() for row in known}
    found = []
    for row in distinct:
        if not row.any():
            found.append(EMPTY)
        elif row.tobytes() in whole:
            found.append(EXACT)
        else:
            part = bits.size > 0 and np.bitwise_and.reduce(bits[row], axis=0).any()
            found.append(SUBSET if part else OTHER)
    return np.array(found, dtype=np.str_)[place.reshape(-1)] if found else np.array([], np.str_)


def copying(sets: Bools, training: Bools, limit: Limit) -> dict[str, Any]:
    """Share of the documents in each class, with its 95 % Wilson interval, which counts as many
    documents as those of the patients are worth (`clustered_wilson`).

    None stands for a class that may not be told (`Limit.told`).
    """
    classes = classify_sets(sets, training)
    held = {name: np.asarray(classes == name) for name in CLASSES}
    shown = limit.told(held)
    return {
        name: clustered_wilson(documents, limit.owners).as_dict() if name in shown else None
        for name, documents in held.items()
    }
