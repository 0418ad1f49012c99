"""What the grid asks of a coder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.metrics import Bools, Floats

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Validation:
    """Reports that are not trained on, for a coder that needs to know when to stop."""

    rows: Rows  # shape (n,)
    truth: Bools  # shape (n, n_labels)


class Coder(Protocol):
    """A coder over a fixed list of texts; training sets and test sets are rows of it."""

    def scores(
        self, train: Rows, truth: Bools, rows: Rows, validation: Validation | None = None
    ) -> Floats:
        """Scores of `rows` after training on `train`; higher is likelier, 0 as likely as not.

        Args:
            train: training rows, shape (n_train,).
            truth: their labels, shape (n_train, n_labels).
            rows: rows to score, shape (n,).
            validation: reports to stop by, for coders that train in epochs.

        Returns:
            Shape (n, n_labels). A label that no training row has scores -inf, one that all have
            +inf.
        """
