"""Which classes of documents may be counted where all can see it: those of enough patients.

Several documents of one patient hide nobody, so that patients are counted, each once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.metrics import Bools
from synthfr.records import numbered

K = TypeVar("K")


def patients(held: Bools, owners: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many patients have a document in each column of `held`, shape (n_documents, n_columns);
    `owners`: a number for the patient of each document.
    """
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    return np.asarray(np.logical_or.reduceat(held[order], starts, axis=0).sum(axis=0))


@dataclass(frozen=True)
class Limit:
    """Of the documents at hand, what fewer than `least` patients have is not told.

    `owners`: a number for the patient of each document, from 0 up, shape (n_documents,).
    """

    least: int
    owners: NDArray[np.int64]

    @classmethod
    def of(cls, least: int, owners: Collection[str]) -> Limit:
        """From the patients' ids, one a document."""
        return cls(least, numbered(owners))

    def count(self, documents: Bools) -> int:
        """Patients of these documents, shape (n_documents,)."""
        return len(np.unique(self.owners[documents]))

    def told(
        self,
        held: Mapping[K, Bools],
        barred: Collection[K] = (),
        none_alone: bool = False,
    ) -> set[K]:
        """The classes, of those that make up a known total, whose figures may be told.

        Args:
            held: class -> which documents are in it, shape (n_documents,); one may be in several.
            barred: classes that are not told, whatever they hold.
            none_alone: also a class of enough patients must not follow from the total, as the only
                one that is not told.

        A class of fewer than `least` patients is not told. Where the classes that are not told
        hold, all together, 1 to `least` - 1 patients, the total less the others would still tell
        them: the smallest of the others is held back too, until that is over.
        """
        counts = {name: self.count(documents) for name, documents in held.items()}
        shown = {name for name, n in counts.items() if n >= self.least and name not in barred}
        rest = np.zeros(len(self.owners), dtype=np.bool_)
        for name in held.keys() - shown:
            rest |= held[name]

        def follows() -> bool:
            alone = sum(n > 0 for name, n in counts.items() if name not in shown) == 1
            return 0 < self.count(rest) < self.least or (none_alone and alone)

        while shown and follows():
            last = min(shown, key=lambda name: (counts[name], str(name)))
            shown.remove(last)
            rest |= held[last]
        return shown
