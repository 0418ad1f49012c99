"""The figures that answer "did the rounds help?", read from the metrics files.

A partial repro leaves files out: what is not there is None, never an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthfr.pipeline.page import baselines

REFERENCES = {"public_seed": "public seed", "private_train": "private train"}
METRICS = {"macro_f1": "macro-F1", "map": "mAP"}
CHOSEN_RULE = "the chosen rule"  # decision rule that the plain macro-F1 stands for

Tree = Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % limits; None where one seed tells nothing of the spread."""

    mean: float
    low: float | None = None
    high: float | None = None

    @property
    def half_width(self) -> float | None:
        """Half the interval: what stands after ±."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def __str__(self) -> str:
        half = self.half_width
        return short(self.mean) if half is None else f"{short(self.mean)} ± {short(half)}"


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
        best = self.best_baseline
        if best is None or self.last is None or best[1].mean <= 0:
            return None
        return self.last.mean / best[1].mean - 1

    @property
    def gap_closed(self) -> float | None:
        """Share of the way from the best baseline to the private coder that the last step went."""
        best, goal = self.best_baseline, self.references["private_train"]
        if best is None or self.last is None or goal is None or goal.mean <= best[1].mean:
            return None
        return (self.last.mean - best[1].mean) / (goal.mean - best[1].mean)


@dataclass(frozen=True)
class Results:
    """Everything that `classify` and `reference` measured, by step and by reference."""

    steps: tuple[str, ...]
    trees: Mapping[str, Tree]  # step or reference: size=.../top_k=.../metric
    sizes: tuple[int, ...] = field(init=False)
    top_k: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        cells = {cell for tree in self.trees.values() for cell in _cells(tree)}
        object.__setattr__(self, "sizes", tuple(sorted({size for size, _ in cells})))
        object.__setattr__(self, "top_k", tuple(sorted({top_k for _, top_k in cells})))

    def estimate(self, name: str, size: int, top_k: int, metric: str) -> Estimate | None:
        """Of a step or reference; None if it was not measured."""
        tree = self.trees.get(name, {})
        found = tree.get(f"size={size}", {}).get(f"top_k={top_k}", {})
        for part in metric.split("/"):
            found = found.get(part, {})
        if found.get("mean") is None:
            return None
        return Estimate(found["mean"], found.get("low"), found.get("high"))

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
        found = {
            rule: None
            for tree in self.trees.values()
            for below in tree.values()
            for cell in below.values()
            for rule in cell.get("rules", {})
        }
        return tuple(found)

    def gains_by_rule(self, size: int, top_k: int) -> dict[str, float]:
        """Gain in macro-F1 under each rule for which it is known; the chosen one first."""
        paths = {CHOSEN_RULE: "macro_f1"}
        paths |= {rule: f"rules/{rule}/macro_f1" for rule in self.rules}
        gains = {rule: self.row(size, top_k, path).gain for rule, path in paths.items()}
        return {rule: gain for rule, gain in gains.items() if gain is not None}


def load(metrics: Path, steps: Sequence[str]) -> Results:
    """Read ``classify/<step>.json`` and ``reference.json`` below `metrics`."""
    trees = {step: read(metrics / "classify" / f"{step}.json") for step in steps}
    reference = read(metrics / "reference.json")
    return Results(tuple(steps), trees | {name: reference.get(name, {}) for name in REFERENCES})


def read(path: Path) -> dict[str, Any]:
    """A metrics file, or an empty tree if it is not there."""
    if not path.is_file():
        return {}
    tree = json.loads(path.read_text(encoding="utf-8"))
    return tree if isinstance(tree, dict) else {}


def short(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """As papers print shares: ``.537``, as a difference ``+.537``."""
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return re.sub(r"^([+-]?)0\.", r"\1.", text)


def percent(value: float | None) -> str:
    """A relative change with its sign, or a dash."""
    return "–" if value is None else f"{value:+.1%}".replace("%", " %")


def _cells(tree: Tree) -> set[tuple[int, int]]:
    found = set()
    for size, below in tree.items():
        for top_k in below if isinstance(below, dict) else ():
            match = re.fullmatch(r"size=(\d+)/top_k=(\d+)", f"{size}/{top_k}")
            if match:
                found.add((int(match[1]), int(match[2])))
    return found
