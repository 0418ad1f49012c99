"""The figures that answer "did the rounds help?", read from the metrics files.

A partial repro leaves files out: what is not there is None, never an error.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.spread import plus_minus

REFERENCES = {"public_seed": "public seed", "private_train": "private train"}
METRICS = {"macro_f1": "macro-F1", "map": "mAP"}
# who judges a coder on the steps' data sets, and who trains its like on real reports: the grid's
# coder, and the one that is trained outside and kept (PLM-ICD)
GRID, KEPT = ("classify", "reference"), ("judge_coder", "reference_coder")
KEPT_TITLE = "a coder of another family (PLM-ICD; on a step's reports trained outside and kept)"
CHOSEN_RULE = "the chosen rule"  # decision rule that the plain macro-F1 stands for
# the original's evaluation and the rule that is its own, a probability above one half
ORIGINAL, ORIGINAL_RULE = "original", "fixed_threshold"

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % limits; of two seeds their values instead."""

    mean: float
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()

    @classmethod
    def read(cls, tree: Any) -> Estimate | None:
        """As `stats.Interval.as_dict` wrote it; None if it is no mean."""
        mean = tree.get("mean") if isinstance(tree, Mapping) else None
        if mean is None:
            return None
        values = tuple(tree[part] for part in ("min", "max") if part in tree)
        return cls(mean, tree.get("low"), tree.get("high"), values)

    def __str__(self) -> str:
        return plus_minus(self)


@dataclass(frozen=True)
class Row:
    """One size and top k of a metric: an estimate by step, first to last, and by reference."""

    size: int
    top_k: int
    steps: Mapping[str, Estimate | None]
    references: Mapping[str, Estimate | None]

    @property
    def last(self) -> Estimate | None:
        """Of the last step."""
        return list(self.steps.values())[-1]

    @property
    def best_baseline(self) -> tuple[str, Estimate] | None:
        """Step and figure of the better baseline; None unless all were measured: the better of
        fewer would be easier to beat.
        """
        found = {step: self.steps[step] for step in baselines.baseline_steps(list(self.steps))}
        measured = {step: one for step, one in found.items() if one is not None}
        if len(measured) < len(found):
            return None
        return max(measured.items(), key=lambda item: item[1].mean)

    @property
    def gain(self) -> float | None:
        """Relative gain of the last step over the best baseline; None if either is missing or
        zero.
        """
        return self.gain_of(list(self.steps)[-1])

    def gain_of(self, step: str) -> float | None:
        """The same of any step: 0 of the best baseline itself."""
        best, own = self.best_baseline, self.steps[step]
        if best is None or own is None or best[1].mean <= 0:
            return None
        return own.mean / best[1].mean - 1

    @property
    def gap_closed(self) -> float | None:
        """Share of the way from the best baseline to the private coder that the last step went."""
        best, goal = self.best_baseline, self.references["private_train"]
        if best is None or self.last is None or goal is None or goal.mean <= best[1].mean:
            return None
        return (self.last.mean - best[1].mean) / (goal.mean - best[1].mean)


@dataclass(frozen=True)
class Results:
    """Everything that was measured of one kind of coder, by step and by reference."""

    steps: tuple[str, ...]
    trees: Mapping[str, Tree]  # step or reference: size=.../top_k=.../metric
    sizes: tuple[int, ...] = field(init=False)
    top_k: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        cells = {cell for tree in self.trees.values() for cell in _cells(tree)}
        object.__setattr__(self, "sizes", tuple(sorted({size for size, _ in cells})))
        object.__setattr__(self, "top_k", tuple(sorted({top_k for _, top_k in cells})))

    @property
    def largest(self) -> tuple[int, int] | None:
        """The headline's cell: of those that a step was measured in; None if none was."""
        return largest(cell for step in self.steps for cell in _cells(self.trees.get(step, {})))

    def estimate(self, name: str, size: int, top_k: int, metric: str) -> Estimate | None:
        """Of a step or reference; None if it was not measured."""
        tree = self.trees.get(name, {})
        found = tree.get(f"size={size}", {}).get(f"top_k={top_k}", {})
        for part in metric.split("/"):
            found = found.get(part, {})
        return Estimate.read(found)

    def row(self, size: int, top_k: int, metric: str = "macro_f1") -> Row:
        """One cell, of steps and references; all None where nothing was measured."""

        def of(names: Sequence[str]) -> dict[str, Estimate | None]:
            return {name: self.estimate(name, size, top_k, metric) for name in names}

        return Row(size, top_k, of(self.steps), of(list(REFERENCES)))

    def rows(self, metric: str = "macro_f1") -> list[Row]:
        """The published table's form: a row for each size and top k that any step has."""
        rows = [self.row(size, top_k, metric) for size in self.sizes for top_k in self.top_k]
        return [row for row in rows if any((*row.steps.values(), *row.references.values()))]

    @property
    def rules(self) -> tuple[str, ...]:
        """Decision rules under which the same coders were judged, beside the chosen one."""
        return tuple({rule: None for cell in self._measured() for rule in cell.get("rules", {})})

    @property
    def original(self) -> str | None:
        """Where the original's evaluation by its own rule stands in a cell; None: nowhere.

        Not simply at ``original``: there it is by the rule that counts. Which that is, a file tells
        by the other rules: it is the original's where they are told without it.
        """
        found = [cell[ORIGINAL] for cell in self._measured() if ORIGINAL in cell]
        if any(ORIGINAL_RULE in one.get("rules", {}) for one in found):
            return f"{ORIGINAL}/rules/{ORIGINAL_RULE}"
        return ORIGINAL if found and self.rules and ORIGINAL_RULE not in self.rules else None

    def _measured(self) -> list[Tree]:
        """What was measured in each cell of each step and reference."""
        return [
            self.trees[name][f"size={size}"][f"top_k={top_k}"]
            for name, tree in self.trees.items()
            for size, top_k in sorted(_cells(tree))
        ]

    def gains_by_rule(self, size: int, top_k: int) -> dict[str, float]:
        """Gain in macro-F1 under each rule for which it is known; the chosen one first."""
        paths = {CHOSEN_RULE: "macro_f1"}
        paths |= {rule: f"rules/{rule}/macro_f1" for rule in self.rules}
        gains = {rule: self.row(size, top_k, path).gain for rule, path in paths.items()}
        return {rule: gain for rule, gain in gains.items() if gain is not None}


def largest(cells: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """The cell (size, top k) of one figure that stands for all: the most reports, then the most
    labels.
    """
    return max(cells, default=None)


def load(measured: Measured, steps: Sequence[str], coder: tuple[str, str] = GRID) -> Results:
    """What is known of every step and reference by a `coder`: `GRID` or `KEPT`."""
    judging, on_real = coder
    trees = {step: measured.of(judging, step) for step in steps}
    reference = measured.of(on_real)
    return Results(tuple(steps), trees | {name: reference.get(name, {}) for name in REFERENCES})


def _cells(tree: Tree) -> set[tuple[int, int]]:
    found = set()
    for size, below in tree.items():
        for top_k in below if isinstance(below, dict) else ():
            match = re.fullmatch(r"size=(\d+)/top_k=(\d+)", f"{size}/{top_k}")
            if match:
                found.add((int(match[1]), int(match[2])))
    return found


def as_csv(results: Results) -> str:
    """Long form: one line for each metric, size, top k and column of the tables."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["metric", "size", "top_k", "data", "mean", "low", "high"])
    for metric in METRICS:
        for row in results.rows(metric):
            for name, one in {**row.steps, **row.references}.items():
                if one is not None:
                    lines.writerow([metric, row.size, row.top_k, name, one.mean, one.low, one.high])
    return text.getvalue()
