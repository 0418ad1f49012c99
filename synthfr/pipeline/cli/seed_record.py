"""``docs/seeds.json``: what the loop and its controls reached with each seed.

One value a seed, in the order of ``seeds``; null where a seed has none (a control that has not run
for it, a size above what the corpus has). `synthfr.pipeline.page` reads it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthfr.disk import read_json, write_json
from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.cli import clones
from synthfr.pipeline.page import overlaps
from synthfr.pipeline.page.results import METRICS, REFERENCES

RECORD_PATH = layout.RECORD  # `synth-fr seeds` and `synth-fr controls` write it
# of a step's data set, whatever coder is trained on it: measure -> run -> one value a seed
AUDITS = ("faithfulness", "privacy")
GRID, KEPT = "metrics", "kept"  # of the grid's coders, and of the coder that is trained and kept
MACRO_F1 = "macro_f1"  # what is told of the decision rules that do not count
# what figures come from; the tools around the loop may differ
LOOP = (
    *("dvc.yaml", "params.yaml", "stages", "synthfr"),
    ":(exclude)synthfr/pipeline",
)

Figures = dict[tuple[str, ...], float]  # one run's: keys of the record but the last, value


def of_step(metrics: Path, step: str) -> Figures:
    """What `metrics`, a checkout's folder, says of a step's data set."""
    classified = _coders(_read(metrics / "classify" / f"{step}.json"))
    kept = _kept(metrics / "judge_coder" / f"{step}.json")
    faithful = _read(metrics / "fidelity" / f"{step}.json").get("faithfulness", {})
    overlap = _read(metrics / "privacy" / f"{step}.json")
    audits: Figures = {("faithfulness", name): float(value) for name, value in faithful.items()}
    for name, path in overlaps.MEASURES.items():
        if (value := _at(overlap, path)) is not None:
            audits["privacy", name] = value
    return classified | kept | audits


def of_reference(metrics: Path, name: str) -> Figures:
    """What it says of coders trained on real reports: `name` is a key of `REFERENCES`."""
    own = _coders(_read(metrics / "reference.json").get(name, {}))
    return own | _kept(metrics / "reference_coder.json", name)


def of_loop(metrics: Path, steps: Iterable[str]) -> dict[str, Figures]:
    """Of every step, and of the references."""
    return {step: of_step(metrics, step) for step in steps} | {
        name: of_reference(metrics, name) for name in REFERENCES
    }


def new(seeds: Sequence[int], steps: Sequence[str]) -> dict[str, Any]:
    """A record of this checkout's commit without figures."""
    return {
        "seeds": list(seeds),
        "steps": list(steps),
        "controls": {},
        "commit": clones.commit(),
        "machine": f"{os.cpu_count()} CPU cores, Python {platform.python_version()}",
        GRID: {metric: {} for metric in METRICS},
        KEPT: {},
        "rules": {},
        **{part: {} for part in AUDITS},
    }


def put(record: dict[str, Any], seed: int, figures: Mapping[str, Figures]) -> None:
    """Write what runs (steps, references, controls) reached with a seed; what is there of them and
    that seed goes.
    """
    place = record["seeds"].index(seed)
    for key, cell in _cells(record):
        for name in figures.keys() & cell.keys():
            if key not in figures[name]:
                cell[name][place] = None
    for name, found in figures.items():
        for key, value in found.items():
            values = _cell(record, key).setdefault(name, [None] * len(record["seeds"]))
            values[place] = value


def fill(record: dict[str, Any]) -> None:
    """Give every cell every step, reference and control: null where there is nothing."""
    coders = [*record["steps"], *REFERENCES, *record["controls"]]
    for key, cell in _cells(record):
        names = [one for one in coders if one not in REFERENCES] if key[0] in AUDITS else coders
        for name in names:
            cell.setdefault(name, [None] * len(record["seeds"]))


def keep_controls(record: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Take over the controls of a record of the same seeds and steps."""
    record["controls"] = dict(before.get("controls", {}))
    for key, old in _cells(before):
        kept = {name: old[name] for name in record["controls"] if name in old}
        if kept:
            _cell(record, key).update(kept)


def read() -> dict[str, Any] | None:
    """The record of this checkout, if it has one."""
    return read_json(RECORD_PATH) if RECORD_PATH.is_file() else None


def write(record: dict[str, Any]) -> None:
    """Write the record, every cell complete."""
    fill(record)
    write_json(RECORD_PATH, record)


def changed_since(record: Mapping[str, Any]) -> list[str]:
    """Files that figures depend on and that differ between the record's commit and this one's."""
    known = str(record.get("commit", ""))
    try:
        clones.git("rev-parse", "--quiet", "--verify", f"{known}^{{commit}}")
    except UserError:
        return [f"commit {known or '(none)'}, which this checkout does not know"]
    return clones.git("diff", "--name-only", known, "HEAD", "--", *LOOP).splitlines()


def _cell(record: dict[str, Any], key: tuple[str, ...]) -> dict[str, list[Any]]:
    """The mapping of runs to values under `key`, made if it is not there."""
    place = record
    for part in key:
        place = place.setdefault(part, {})
    return place


def _cells(record: Mapping[str, Any]) -> list[tuple[tuple[str, ...], dict[str, list[Any]]]]:
    """Every mapping of runs to values, with its keys."""
    found = [
        ((part, metric, cell), runs)
        for part in (GRID, KEPT, "rules")
        for metric, cells in record.get(part, {}).items()
        for cell, runs in cells.items()
    ]
    return found + [
        ((part, name), runs) for part in AUDITS for name, runs in record.get(part, {}).items()
    ]


def _coders(tree: Mapping[str, Any]) -> Figures:
    """Means over the coder's seeds, of a file of `coding.summarise`."""
    found: Figures = {}
    for size, below in tree.items():
        for top_k, cell in below.items():
            where = f"{size}/{top_k}"
            values = {(GRID, metric, where): cell[metric] for metric in METRICS}
            for rule, measured in cell.get("rules", {}).items():
                values["rules", rule, where] = measured[MACRO_F1]
            found |= {key: one["mean"] for key, one in values.items() if one["mean"] is not None}
    return found


def _kept(path: Path, *below: str) -> Figures:
    """The same of the coder that is kept, by the chosen decision rule; nothing where none was
    judged.
    """
    found = _read(path) if path.is_file() else {}
    for name in below:
        found = found.get(name, {})
    return {(KEPT, *key): value for (part, *key), value in _coders(found).items() if part == GRID}


def _at(tree: Mapping[str, Any], path: Sequence[str]) -> float | None:
    """The number at the end of `path`; None where there is none."""
    found: Any = tree
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else float(found)


def _read(path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = read_json(path)
    return tree
