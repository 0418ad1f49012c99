"""The last step beside every other step, control and reference of ``docs/seeds.json``: paired tests
over generator seeds, from the answers that the clones' coders gave.

PRIVATE. The answers are rows of holdout reports, kept in each clone's ``data/private/judged``. They
are read where `synth-fr seeds` and `synth-fr controls` have just run the private stages that made
them; only differences, their limits and p values enter the record, which is public.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.cli import clones, seed_record
from synthfr.pipeline.command import without_message
from synthfr.pipeline.page import baselines, over_seeds
from synthfr.pipeline.page.record import BEST_BASELINE, Record, parse
from synthfr.redact import private_stage

if TYPE_CHECKING:
    from synthfr.coding.comparison import Answers

# parts of the record, and the stage that trained the coder if it was not `classify`; without a part
# nothing was tested
PARTS = {"tests": "", "kept_tests": "train_coder"}
_SAME = 1e-8  # figures are written with ten digits


def write(record: dict[str, Any]) -> None:
    """Write the record, and then again with the tests of what the clones hold: a test that fails
    loses no figure.

    A run is tested if the answers behind all of its figures are here, else a line names it: those
    of a clone that is gone, or went on to another commit, are not those of the record.
    """
    for part in PARTS:
        record.pop(part, None)
    seed_record.write(record)
    found = parse(record)
    for (part, coder), own in zip(PARTS.items(), (found, found.of_kept), strict=True):
        cell = over_seeds.largest(own)
        if cell is None:
            continue
        try:
            with private_stage():
                tests = _tests(own, cell, coder)
        except (UserError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise UserError(without_message("controls", error)) from None
        if tests:
            where = f"size={cell.size}/top_k={cell.top_k}"
            record[part] = {"cell": where, "metrics": tests}
            seed_record.write(record)


def _tests(record: Record, cell: over_seeds.Comparison, coder: str) -> dict[str, dict[str, Any]]:
    """``{metric: {run: {difference, p_value, adjusted_p, seeds}}}``."""
    from synthfr.coding.generator_seeds import compare_runs

    last = record.steps[-1]
    runs: dict[str, Mapping[int, Answers]] = {}
    for name in (last, *(one for one in record.runs if one != last)):
        measured = [value is not None for value in cell.cell.get(name, ())]
        seeds = [seed for seed, there in zip(record.seeds, measured, strict=False) if there]
        answers = {seed: _answers(record, cell, name, seed, coder) for seed in seeds}
        known = {seed: one for seed, one in answers.items() if one is not None}
        if len(known) < len(answers):
            gone = next(seed for seed in answers if seed not in known)
            typer.echo(
                f"No paired test of {record.title(name)}{f' ({coder})' if coder else ''}: the "
                f"answers that its figures of seed {gone} come from are not in "
                f"{_folder(record, name, gone)}."
            )
        elif known:
            runs[name] = known
        if last not in runs:
            return {}
    others: dict[str, Sequence[Mapping[int, Answers]]] = {
        name: [run] for name, run in runs.items() if name != last
    }
    before = baselines.baseline_steps(record.steps)
    if len(before) > 1 and all(name in runs for name in before):
        others[BEST_BASELINE] = [runs[name] for name in before]
    patients = {seed: _patients(_folder(record, last, seed)) for seed in runs[last]}
    compared = compare_runs(runs[last], others, patients, random_seed=record.seeds[0])
    tests: dict[str, dict[str, Any]] = {}
    for name, by_metric in compared.items():
        for metric, one in by_metric.items():
            tests.setdefault(metric, {})[name] = {**one.as_dict(), "seeds": one.difference.n}
    return tests


def _answers(
    record: Record, cell: over_seeds.Comparison, name: str, seed: int, coder: str
) -> Answers | None:
    """The kept answers of a run that its figure in the record is made of; None where they are not
    here.
    """
    import numpy as np

    from synthfr.coding.kept import read_judged
    from synthfr.coding.weighted import statistic

    step = record.steps[-1] if name in record.controls else name
    clone = _folder(record, name, seed)
    path = clone / layout.kept_answers(step, coder)
    is_here = path.is_file() and (clone / layout.PRIVATE_HOLDOUT).is_file()  # whom they are about
    answers = read_judged(path) if is_here else []
    if not answers or (answers[0].size, answers[0].top_k) != (cell.size, cell.top_k):
        return None
    figures = [
        statistic("macro_f1", one)(np.ones((1, len(one.document_ids)), dtype=np.float32))[0]
        for one in answers
    ]
    known = cell.cell[name][record.seeds.index(seed)]
    return answers if known is not None and abs(np.mean(figures) - known) < _SAME else None


def _patients(clone: Path) -> dict[str, str]:
    """Whom each holdout report of a clone is about."""
    from synthfr import records

    holdout = records.read_table(clone / layout.PRIVATE_HOLDOUT, records.REPORTS)
    return dict(zip(holdout["report_id"], records.owners_of(holdout), strict=True))


def _folder(record: Record, name: str, seed: int) -> Path:
    control = name if name in record.controls else None
    return clones.CLONES / clones.name_of(seed, control)
