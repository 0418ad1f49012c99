"""``synth-fr prefetch``: the models of a profile, fetched where there is a network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import typer

from synthfr.disk import read_yaml
from synthfr.pipeline import prefetch, profiles
from synthfr.pipeline.cli.profile_commands import FOLDER, PARAMS
from synthfr.pipeline.parameters import parse


def run(profile: str | None, pin: bool, check: bool) -> None:
    """Fetch and verify, or only verify (`check`), what params.yaml, with a profile laid over it,
    names; `pin` writes the present commits of models that have none.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if not sys.stderr.isatty():
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    target = PARAMS if profile is None else profiles.path_of(FOLDER, profile)
    values = read_yaml(PARAMS) if profile is None else profiles.merged(PARAMS, target)
    params = parse(values, str(target))
    if pin:
        for one in prefetch.wanted(params):
            if not one.pinned:
                _pin(target, values, one)
        params = parse(values, str(target))
    models = prefetch.wanted(params)
    for one in models:
        got = prefetch.verify(one) if check else prefetch.fetch(one)
        typer.echo(
            f"{one.where:<30} {one.reference}: {got.n_files} files, {got.n_bytes / 1e9:.2f} GB, "
            f"{got.parameters / 1e6:,.0f} M parameters"
        )
    if models:
        typer.echo("All is here and whole: stages need no network (HF_HUB_OFFLINE=1).")
    else:
        typer.echo("These parameters name no model of the hub: nothing to fetch.")


def _pin(target: Path, values: dict[str, Any], one: prefetch.Wanted) -> None:
    commit = prefetch.latest(one)
    section, _, rest = one.where.partition(".")
    place = values[section]
    *parents, last = rest.split(".")
    for key in parents:
        place = place[key]
    place[last] = f"{place[last]}@{commit}"
    profiles.write(target, _nested(one.where, place[last]))
    typer.echo(f"{one.where:<30} pinned to {one.repo_id}@{commit} in {target}")


def _nested(dotted: str, value: Any) -> dict[str, Any]:
    first, _, rest = dotted.partition(".")
    return {first: _nested(rest, value) if rest else value}
