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

REFERENCES = {"public_seed": "public seed", "private_train": "private train"}
METRICS = {"macro_f1": "macro-F1", "map": "mAP"}

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
    """One size and top k of a metric: an estimate for each step, and for the references."""

    size: int
    top_k: int
    steps: tuple[Estimate | None, ...]
    references: tuple[Estimate | None, ...]

    @property
    def gain(self) -> float | None:
        """Relative gain of the last step over the first; None if either is missing or zero."""
        first, last = self.steps[0], self.steps[-1]
        return (
            None if first is None or last is None or not first.mean else last.mean / first.mean - 1
        )

    @property
    def gap_closed(self) -> float | None:
        """Share of the way from the first step to the private coder that the last step went."""
        first, last, best = self.steps[0], self.steps[-1], self.references[-1]
        if first is None or last is None or best is None or best.mean <= first.mean:
            return None
        return (last.mean - first.mean) / (best.mean - first.mean)


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

    def rows(self, metric: str = "macro_f1") -> list[Row]:
        """The published table's form: a row for each size and top k that any step has."""
        rows = []
        for size in self.sizes:
            for top_k in self.top_k:
                steps = tuple(self.estimate(step, size, top_k, metric) for step in self.steps)
                beside = tuple(self.estimate(name, size, top_k, metric) for name in REFERENCES)
                if any(steps) or any(beside):
                    rows.append(Row(size, top_k, steps, beside))
        return rows


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


def short(value: float, digits: int = 3) -> str:
    """As papers print shares: ``.537``."""
    text = f"{value:.{digits}f}"
    return re.sub(r"^(-?)0\.", r"\1.", text)


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
