"""``synth-fr controls``: the loop with one thing taken out of it, once per seed, beside the loop.

What a control reaches is what the loop reaches without the part that the control takes out. Each
runs all rounds and evaluates the last step only, by the grid's coder and by the one that is kept;
what it shares with the loop of its seed (SFT, the first round's candidates) is taken from DVC's
cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import profiles
from synthfr.pipeline.cli import clones, seed_record, seed_runs, seed_tests
from synthfr.pipeline.cli.seed_record import RECORD_PATH
from synthfr.pipeline.parameters import load_params, parse
from synthfr.scoring.scores import ScoreWeights


@dataclass(frozen=True)
class Control:
    """A part of the loop, and the parameters that take it out."""

    title: str  # in tables; {candidates}: of a prompt
    why: str
    overlay: Mapping[str, Any]


# a control is run to its end, whatever its preferences do to the policy
UNGUARDED: Mapping[str, Any] = {
    "dpo": {"max_chosen_logp_drop": None},
    "fidelity": dict.fromkeys(("min_keyword_recall", "min_code_recall", "max_wrong_codes")),
}

# other parts of the score would say what a candidate says
_SIMILARITY_ALONE: Mapping[str, float] = {
    name: float(name == "similarity") for name in ScoreWeights.model_fields
}

CONTROLS: Mapping[str, Control] = {
    "best_of_n_sft": Control(
        title="best-of-{candidates} SFT, same scores",
        why="Is it the preference, or only that the best candidates are learnt? The chosen one is "
        "learnt as it is, the rejected one is not used.",
        overlay={"dpo": {"loss_type": ["sft"], "loss_weights": [1.0]}},
    ),
    "shuffled_scores": Control(
        title="scores shuffled",
        why="Do the scores carry anything? Those of a prompt's candidates change places.",
        overlay={"score": {"control": "shuffled"}},
    ),
    "wrong_document": Control(
        title="scored against another private document",
        why="Is it the document that counts, or any hospital text? A candidate is compared with a "
        "private document that its keywords are not of.",
        overlay={"score": {"control": "wrong_document"}},
    ),
    "discriminator": Control(
        title="scored by a discriminator",
        why="Is it only the hospital's style that is rewarded? The score is how much a candidate "
        "reads like a private report and not like the public seed, whatever it says.",
        overlay={"score": {"evaluator": {"kind": "discriminator"}, "weights": _SIMILARITY_ALONE}},
    ),
}


def run(seeds: Sequence[int], only: Sequence[str], jobs: int) -> None:
    """Repro the controls (those named in `only`; none: all) for some seeds of ``docs/seeds.json``
    (none: all of them), `jobs` at once; write the figures of their last step into that record.
    A control that these parameters rule out is left out, and a line says so.

    UserError, before anything runs: there is no record, it lacks a seed, the loop has changed
    since, or a control that `only` names is ruled out.
    """
    if unknown := [name for name in only if name not in CONTROLS]:
        raise UserError(f"There is no control '{unknown[0]}': choose from {', '.join(CONTROLS)}.")
    record = _record(seeds)
    last = record["steps"][-1]
    names = [name for name in CONTROLS if name in only or (not only and _is_possible(name))]
    runs = {
        (seed, name): control(seed, name, last)
        for seed in (dict.fromkeys(seeds) or record["seeds"])
        for name in names
    }
    clones.reproduce(list(runs.values()), jobs)
    for (seed, name), one in runs.items():
        record["controls"][name] = title(name)
        seed_record.put(record, seed, {name: seed_record.of_step(one.metrics, last)})
    seed_tests.write(record)
    seed_runs.show()


def control(seed: int, name: str, last_step: str) -> clones.Job:
    """A control's clone: its parameters, and the evaluation of the last step alone."""
    params = load_params()
    keeps = params.has("train_coder") and bool(params.train_coder.seeds)
    stages = ["classify", "fidelity", "privacy", *["judge_coder"] * keeps]
    targets = tuple(f"{stage}@{last_step}" for stage in stages)
    overlay = _overlay(seed, name)
    return clones.Job(clones.name_of(seed, name), overlay, targets, seed_runs.has_secret())


def _overlay(seed: int, name: str) -> dict[str, Any]:
    overlay: dict[str, Any] = {"random_seed": seed}
    for laid in (UNGUARDED, CONTROLS[name].overlay):
        overlay |= {key: {**overlay.get(key, {}), **part} for key, part in laid.items()}
    return overlay


def _is_possible(name: str) -> bool:
    """Whether the parameters stay valid with the control; a line says why not."""
    params = read_yaml("params.yaml")
    profiles.overlay_on(params, _overlay(params["random_seed"], name))
    try:
        parse(params, "params.yaml")
    except UserError as error:
        typer.echo(f"Without {name}, which these parameters rule out: {error}")
        return False
    return True


def title(name: str) -> str:
    """What a reader sees of a control of this checkout's loop."""
    return CONTROLS[name].title.format(candidates=len(load_params().generate.temperatures))


def show_all() -> None:
    """Name the controls and what each is for."""
    for name, one in CONTROLS.items():
        typer.echo(f"{name:<16} {title(name)}. {one.why}")


def _record(seeds: Sequence[int]) -> dict[str, Any]:
    """The record of the loop that the controls belong to."""
    record = seed_record.read()
    remedy = "`make repro-seeds` runs the loop with it"
    if record is None:
        raise UserError(f"{RECORD_PATH} is missing: {remedy}.")
    if absent := [seed for seed in seeds if seed not in record["seeds"]]:
        raise UserError(f"{RECORD_PATH} has no seed {absent[0]}: {remedy}.")
    if changed := seed_record.changed_since(record):
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(
            f"{RECORD_PATH} was measured with another loop than this commit's "
            f"({changed[0]}{more}): run `make repro-seeds` first."
        )
    for part in ("controls", "rules", *seed_record.AUDITS):  # an older record has none
        record.setdefault(part, {})
    return record
