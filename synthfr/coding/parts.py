"""What the grid trains, and on what: rows and label matrices of the parts of every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.coding import labels, metrics
from synthfr.coding.coder import Rows
from synthfr.coding.labels import Categories
from synthfr.coding.sampling import Split, shuffled_rows, split_sample
from synthfr.coding.summary import UNBIASED
from synthfr.errors import UserError
from synthfr.records import numbered, owners_of

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.bootstrap import Owners
    from synthfr.coding.grid import Classify


@dataclass(frozen=True)
class Unit:
    """Cells that share a training set, so that they are trained one after the other."""

    seed: int
    size: int
    evaluation: str
    top_k: tuple[int, ...]  # the largest first: the others may take their columns from it

    def work(self) -> float:
        """How long it takes, compared with others."""
        return self.size * max(self.top_k)


def units(params: Classify) -> list[Unit]:
    """All that is trained. The original's rule drops other reports for every top k."""
    descending = tuple(sorted(params.top_k, reverse=True))
    return [
        Unit(seed, size, evaluation, top_k)
        for seed in params.seeds
        for size in params.sizes
        for evaluation in params.evaluations
        for top_k in ([descending] if evaluation == UNBIASED else [(k,) for k in descending])
    ]


@dataclass(frozen=True)
class PartedRows:
    """What the parts of every unit are made of; `known`: the categories of the training reports and
    then of the holdout; `shuffled`: the training reports in the order of each seed; `owners`: a
    number for the patient of each of them.
    """

    params: Classify
    known: list[Categories]
    label_space: Sequence[str]
    shuffled: dict[int, Rows]
    owners: Owners
    test: Rows

    @classmethod
    def of(
        cls,
        training: pd.DataFrame,
        known: list[Categories],
        params: Classify,
        label_space: Sequence[str],
        random_seed: int,
    ) -> PartedRows:
        ids, owners = training["report_id"].tolist(), numbered(owners_of(training))
        shuffled = {seed: shuffled_rows(ids, random_seed, seed) for seed in params.seeds}
        test = np.arange(len(training), len(known))
        return cls(params, known, label_space, shuffled, owners, test)

    def of_unit(self, unit: Unit) -> Iterator[tuple[dict[str, Any], Parts]]:
        """What identifies each of its cells, and their parts."""
        split = split_sample(self.shuffled[unit.seed], self.owners, unit.size, self.params)
        for top_k in unit.top_k:
            if unit.evaluation == UNBIASED:
                parts = Parts.unbiased(self.known, split, self.test, self.label_space[:top_k])
            else:
                rule = (self.label_space, top_k, self.params.max_labels)
                parts = Parts.original(self.known, split, self.test, *rule)
            yield (
                {
                    "size": unit.size,
                    "top_k": top_k,
                    "seed": unit.seed,
                    "evaluation": unit.evaluation,
                },
                parts,
            )


@dataclass(frozen=True)
class Parts:
    """Rows and label matrices of the three parts under one label space; `fit_drawn`, `test_drawn`:
    also the rows that the original's rule has dropped.
    """

    space: tuple[str, ...]
    fit_drawn: Rows
    test_drawn: Rows
    fit: Rows
    fit_truth: metrics.Bools
    validation: Rows
    validation_truth: metrics.Bools
    test: Rows
    test_truth: metrics.Bools

    @classmethod
    def unbiased(
        cls, known: list[Categories], split: Split, test: Rows, space: Sequence[str]
    ) -> Parts:
        parts: list[Any] = []
        for rows in (split.fit, split.validation, test):
            parts += [rows, labels.matrix([known[row] for row in rows], space)]
        return cls(tuple(space), split.fit, test, *parts)

    @classmethod
    def original(
        cls,
        known: list[Categories],
        split: Split,
        test: Rows,
        exported: Sequence[str],
        top_k: int,
        max_labels: int,
    ) -> Parts:
        sample = np.concatenate([split.fit, split.validation])
        space = labels.most_frequent([known[row] for row in sample], top_k, among=exported)
        parts: list[Any] = []
        for rows in (split.fit, split.validation, test):
            truth = labels.matrix(
                labels.capped([known[row] for row in rows], space, max_labels), space
            )
            kept = truth.any(axis=1)
            parts += [rows[kept], truth[kept]]
        return cls(tuple(space), split.fit, test, *parts)

    def refuse_without_labels(self) -> None:
        """UserError where there is nothing to learn, or nobody to judge it on."""
        if not (self.fit_truth.any() and len(self.test)):
            raise UserError(
                "classify: no training report or no holdout report has a code of the label space: "
                "check that all reports are coded in one code system."
            )
