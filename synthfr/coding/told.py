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
    """No figure is about fewer than `least` patients of the private reports. A rule about single
    figures: cells, steps and questions about one corpus compose, and their differences may be of
    fewer. Nothing here holds against that.

    `owners`: a number for the patient of each training report and then of each holdout report,
    shape (n_reports,). `of_training`: training reports are private, too.
    """

    least: int
    owners: Owners
    of_training: bool

    def told(self, cells: list[Cell], parts: Parts) -> list[Cell]:
        """The cells of one coder: none of the original's evaluation where fewer patients have a
        report that is kept, or one that is dropped, whose number would follow from the rates;
        without the number of training reports (None) where these are private and fewer patients
        have one that is kept or dropped.
        """
        if not cells or cells[0]["evaluation"] != ORIGINAL:
            return cells
        if self._few(parts.test) or self._few(np.setdiff1d(parts.test_drawn, parts.test)):
            return []
        fit_dropped = np.setdiff1d(parts.fit_drawn, parts.fit)
        hidden = self.of_training and (self._few(parts.fit) or self._few(fit_dropped))
        return [cell | {"trained_reports": None} for cell in cells] if hidden else cells

    def _few(self, rows: Rows) -> bool:
        return 0 < len(np.unique(self.owners[rows])) < self.least
