"""What a coder said of each document: what later comparisons are made of. Private rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from synthfr.coding.metrics import Bools


@dataclass(frozen=True)
class Judged:
    """One coder's answers about the holdout: per-document rows, which stay under ``data/private/``.

    `document_ids`: shape (n_documents,); `label_space`: names of the columns, shape (n_labels,);
    `truth`, `decided` (under the decision rule that counts) and `scores`: shape (n_documents,
    n_labels). The rest says which coder it was: a cell of the grid.
    """

    document_ids: tuple[str, ...]
    label_space: tuple[str, ...]
    truth: Bools
    decided: Bools
    scores: NDArray[Any]
    size: int
    top_k: int
    seed: int
    evaluation: str
    rule: str

    def __post_init__(self) -> None:
        shape = (len(self.document_ids), len(self.label_space))
        found = [self.truth.shape, self.decided.shape, self.scores.shape]
        if found != [shape] * 3:
            raise ValueError(f"arrays of shapes {found} for {shape} documents and labels")

    def narrowed(self, columns: Sequence[int]) -> Judged:
        """The same answers for some of the labels."""
        kept = list(columns)
        return replace(
            self,
            label_space=tuple(self.label_space[column] for column in kept),
            truth=self.truth[:, kept],
            decided=self.decided[:, kept],
            scores=self.scores[:, kept],
        )

    def in_order(self, document_ids: Sequence[str]) -> Judged:
        """The same answers with the documents in this order; other documents are a ValueError."""
        if tuple(document_ids) == self.document_ids:
            return self
        row = {name: number for number, name in enumerate(self.document_ids)}
        if len(document_ids) != len(row) or set(document_ids) != set(row):
            raise ValueError("the answers are about other documents")
        rows = [row[name] for name in document_ids]
        return replace(
            self,
            document_ids=tuple(document_ids),
            truth=self.truth[rows],
            decided=self.decided[rows],
            scores=self.scores[rows],
        )


Keep = Callable[[Judged], None]
