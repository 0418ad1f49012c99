"""What may be told of the `original` evaluation, which drops the reports that have no label of its
space: by how many it drops or keeps, it counts patients who have a code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synthfr.coding.coder import Rows
from synthfr.coding.summary import ORIGINAL, Cell

if TYPE_CHECKING:
    from synthfr.bootstrap import Owners
    from synthfr.coding.parts import Parts


@dataclass(frozen=True)
class Fewest:
    """No figure is about fewer than `least` patients of the private reports.

    `owners`: a number for the patient of each training report and then of each holdout report,
    shape (n_reports,). `of_training`: training reports are private, too.
    """

    least: int
    owners: Owners
    of_training: bool

    def told(self, cells: list[Cell], parts: Parts) -> list[Cell]:
        """The cells of one coder: none of the original's evaluation where fewer patients have a
        report that is kept; without the number of reports (None) where fewer have one that is
        dropped, or, of private training reports, kept.
        """
        if not cells or cells[0]["evaluation"] != ORIGINAL:
            return cells
        if self._few(parts.test):
            return []
        hidden = []
        if self._few(np.setdiff1d(parts.test_drawn, parts.test)):
            hidden.append("evaluated_reports")
        fit_dropped = np.setdiff1d(parts.fit_drawn, parts.fit)
        if self.of_training and (self._few(parts.fit) or self._few(fit_dropped)):
            hidden.append("trained_reports")
        return [cell | dict.fromkeys(hidden) for cell in cells]

    def _few(self, rows: Rows) -> bool:
        return 0 < len(np.unique(self.owners[rows])) < self.least
