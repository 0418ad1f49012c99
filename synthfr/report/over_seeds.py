"""The loop repeated with several seeds: one figure a seed, and how sure their mean is.

A seed goes through everything: corpus, SFT, candidates, DPO, synthesis, coder. What is compared
within a seed (a step with step0, with a reference) is compared pairwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.files import read_json
from synthfr.report.results import METRICS, REFERENCES, Results, percent, short
from synthfr.stats import Interval, mean_interval, paired_difference

Cell = Mapping[str, Sequence[float]]  # step or reference -> one mean a seed, in the seeds' order


@dataclass(frozen=True)
class Comparison:
    """One size and top k over all seeds; `steps` first to last."""

    size: int
    top_k: int
    steps: tuple[str, ...]
    cell: Cell

    def mean(self, name: str) -> Interval:
        return mean_interval(self.cell[name])

    @property
    def gain(self) -> Interval:
        """Relative gain of the last step over the first, seed by seed."""
        first, last = self.cell[self.steps[0]], self.cell[self.steps[-1]]
        return mean_interval([b / a - 1 for a, b in zip(first, last, strict=True)])

    @property
    def gap_closed(self) -> Interval:
        """Share of the way from the first step to the coder trained on private reports."""
        first, last = self.cell[self.steps[0]], self.cell[self.steps[-1]]
        best = self.cell["private_train"]
        return mean_interval([(b - a) / (c - a) for a, b, c in zip(first, last, best, strict=True)])

    def over_public_seed(self) -> Interval:
        """The last step minus the coder trained on the public seed."""
        return paired_difference(self.cell[self.steps[-1]], self.cell["public_seed"])

    def falls(self) -> dict[str, Interval]:
        """Each step minus the one before."""
        return {
            after: paired_difference(self.cell[after], self.cell[before])
            for before, after in zip(self.steps, self.steps[1:], strict=False)
        }


def collect(found: Sequence[Results]) -> dict[str, Any]:
    """Means of every metric, size, top k, step and reference: one value a seed."""
    first = found[0]
    names = [*first.steps, *REFERENCES]
    return {
        metric: {
            f"size={size}/top_k={top_k}": {
                name: [
                    estimate.mean
                    for one in found
                    if (estimate := one.estimate(name, size, top_k, metric)) is not None
                ]
                for name in names
            }
            for size in first.sizes
            for top_k in first.top_k
        }
        for metric in METRICS
    }


def comparisons(record: Mapping[str, Any], metric: str) -> list[Comparison]:
    """The rows of a table, from what `collect` gave; cells that a seed lacks are left out."""
    rows = []
    for key, cell in record["metrics"][metric].items():
        size, top_k = (int(part.partition("=")[2]) for part in key.split("/"))
        if all(len(values) == len(record["seeds"]) for values in cell.values()):
            rows.append(Comparison(size, top_k, tuple(record["steps"]), cell))
    return sorted(rows, key=lambda row: (row.size, row.top_k))


def table(record: Mapping[str, Any], metric: str) -> tuple[list[str], list[list[str]]]:
    """Head and rows: every step, the gain with its interval, the references, the gap closed."""
    steps = record["steps"]
    gain = f"{steps[-1]} vs {steps[0]}"
    head = ["reports", "top k", *steps, gain, *REFERENCES.values(), "gap closed"]
    rows = [
        [str(row.size), str(row.top_k)]
        + [_with_interval(row.mean(step)) for step in steps]
        + [_relative(row.gain)]
        + [_with_interval(row.mean(name)) for name in REFERENCES]
        + [_relative(row.gap_closed)]
        for row in comparisons(record, metric)
    ]
    return head, rows


def read(path: Path) -> dict[str, Any] | None:
    """A record that `synth-fr seeds` wrote, or None."""
    return read_json(path) if path.is_file() else None


def _with_interval(one: Interval) -> str:
    return short(one.mean) if one.n < 2 else f"{short(one.mean)} ± {short(one.high - one.mean)}"


def _relative(one: Interval) -> str:
    limits = "" if one.n < 2 else f" [{percent(one.low)}, {percent(one.high)}]"
    return percent(one.mean) + limits
