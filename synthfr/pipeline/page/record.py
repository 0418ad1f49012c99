"""``docs/seeds.json``: the figures of the whole loop repeated with several seeds.

One value a seed, in the seeds' order; null where a seed has none (a control that was not run, a
size that the corpus does not reach).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Any

from synthfr.disk import read_json
from synthfr.errors import UserError
from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.results import METRICS, REFERENCES, Results
from synthfr.pipeline.page.spread import SIGNIFICANT
from synthfr.stats import Interval

Series = tuple[float | None, ...]
Cells = Mapping[tuple[int, int], Mapping[str, Series]]  # (size, top k) -> step, control, reference


BEST_BASELINE = "best_baseline"  # among the runs of tests: the better one, chosen in each seed


@dataclass(frozen=True)
class Tested:
    """The last step minus a run, paired over generator seeds; `adjusted_p`: that there is no
    difference, corrected for all that was tested with it, NaN where nothing can be told.
    """

    difference: Interval
    adjusted_p: float

    @property
    def is_significant(self) -> bool:
        return self.adjusted_p < SIGNIFICANT


Tests = Mapping[str, Mapping[str, Tested]]  # metric -> run


@dataclass(frozen=True)
class Record:
    """What `cli.seed_runs` wrote; older records have only seeds, steps and metrics."""

    seeds: tuple[int, ...]
    steps: tuple[str, ...]
    metrics: Mapping[str, Cells]
    kept: Mapping[str, Cells] = field(default_factory=dict)  # metrics of the coder that is kept
    controls: Mapping[str, str] = field(default_factory=dict)  # name -> what a reader sees
    rules: Mapping[str, Cells] = field(default_factory=dict)  # macro-F1 by other decision rules
    faithfulness: Mapping[str, Mapping[str, Series]] = field(default_factory=dict)
    privacy: Mapping[str, Mapping[str, Series]] = field(default_factory=dict)
    tested: tuple[int, int] | None = None  # size and top k of `tests`
    tests: Tests = field(default_factory=dict)
    kept_tested: tuple[int, int] | None = None  # the same of the coder that is kept
    kept_tests: Tests = field(default_factory=dict)
    commit: str = "unknown"
    machine: str = "unknown"

    def title(self, name: str) -> str:
        """Of a step, a control or a reference."""
        return {**self.controls, **REFERENCES}.get(name) or baselines.title(name)

    @property
    def runs(self) -> tuple[str, ...]:
        """Steps, controls and references, in the order of a table."""
        return (*self.steps, *self.controls, *REFERENCES)

    @property
    def of_kept(self) -> Record:
        """The same seeds with what the coder that is kept reached, the controls that it was trained
        for among it; no data sets.
        """
        reached = {
            name
            for cells in self.kept.values()
            for runs in cells.values()
            for name, series in runs.items()
            if any(value is not None for value in series)
        }
        return Record(
            self.seeds,
            self.steps,
            self.kept,
            controls={name: told for name, told in self.controls.items() if name in reached},
            tested=self.kept_tested,
            tests=self.kept_tests,
            commit=self.commit,
            machine=self.machine,
        )


def place_of(record: Record, results: Results, seed: int) -> int | None:
    """Where `seed` stands in the record's series; None if the record is not of the loop that gave
    `results` with that seed: it lacks the seed, or holds other figures of it.
    """
    if seed not in record.seeds or record.steps != results.steps:
        return None
    place = record.seeds.index(seed)
    known = {
        (metric, cell, step): series[place]
        for metric, cells in record.metrics.items()
        for cell, runs in cells.items()
        for step, series in runs.items()
        if step in record.steps
    }
    found = {
        (metric, (row.size, row.top_k), step): None if one is None else one.mean
        for metric in METRICS
        for row in results.rows(metric)
        for step, one in row.steps.items()
    }
    return place if known == found else None


def read(path: Path) -> Record | None:
    """A record; None if there is no file. A broken one is a UserError that says where."""
    return parse(read_json(path), path) if path.is_file() else None


def parse(tree: Mapping[str, Any], path: Path = Path("seeds.json")) -> Record:
    """A record from its JSON tree; `path` is for messages."""
    missing = [name for name in ("seeds", "steps", "metrics") if not tree.get(name)]
    if missing:
        raise UserError(f"{path} has no {missing[0]}: `make repro-seeds` makes it anew.")
    n = len(tree["seeds"])

    def cells(metrics: Mapping[str, Any], where: str) -> dict[str, Cells]:
        return {
            name: {
                _cell(key, path): _series(values, n, f"{path}: {where}/{name}/{key}")
                for key, values in found.items()
            }
            for name, found in metrics.items()
        }

    def measures(part: str) -> dict[str, dict[str, Series]]:
        return {
            name: _series(values, n, f"{path}: {part}/{name}")
            for name, values in tree.get(part, {}).items()
        }

    def tested(part: str) -> tuple[int, int] | None:
        return _cell(tree[part]["cell"], path) if part in tree else None

    def tests(part: str) -> Tests:
        return {
            metric: {name: _tested(one) for name, one in runs.items()}
            for metric, runs in tree.get(part, {}).get("metrics", {}).items()
        }

    return Record(
        seeds=tuple(tree["seeds"]),
        steps=tuple(tree["steps"]),
        metrics=cells(tree["metrics"], "metrics"),
        kept=cells(tree.get("kept", {}), "kept"),
        controls=dict(tree.get("controls", {})),
        rules=cells(tree.get("rules", {}), "rules"),
        faithfulness=measures("faithfulness"),
        privacy=measures("privacy"),
        tested=tested("tests"),
        tests=tests("tests"),
        kept_tested=tested("kept_tests"),
        kept_tests=tests("kept_tests"),
        commit=str(tree.get("commit", "unknown")),
        machine=str(tree.get("machine", "unknown")),
    )


def _series(runs: Mapping[str, Sequence[float | None]], n: int, where: str) -> dict[str, Series]:
    """Every run's values; an empty list, as older records have for what was never measured, is
    left out.
    """
    for name, values in runs.items():
        if len(values) not in (0, n):
            raise UserError(
                f"{where}/{name} holds {len(values)} values for {n} seeds: which seeds they are "
                "nobody can tell; `make repro-seeds` makes the record anew."
            )
    return {name: tuple(values) for name, values in runs.items() if values}


def _tested(tree: Mapping[str, Any]) -> Tested:
    found = {name: nan if value is None else value for name, value in tree["difference"].items()}
    limits = (found.get("low", nan), found.get("high", nan))
    p_value = tree.get("adjusted_p")
    return Tested(
        Interval(found["mean"], *limits, tree["seeds"]), nan if p_value is None else p_value
    )


def _cell(key: str, path: Path) -> tuple[int, int]:
    match = re.fullmatch(r"size=(\d+)/top_k=(\d+)", key)
    if match is None:
        raise UserError(f"{path}: {key!r} is no cell such as size=1000/top_k=30.")
    return int(match[1]), int(match[2])
