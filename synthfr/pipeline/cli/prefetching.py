"""``synth-fr prefetch``: models and data sets of a profile, fetched where there is a network."""

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
    names; `pin` writes the present commits of what has none.
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
    named = prefetch.wanted(params)
    for one in named:
        got = prefetch.verify(one) if check else prefetch.fetch(one)
        of = f", {got.parameters / 1e6:,.0f} M parameters" if one.kind == "model" else ""
        size = f"{got.n_files} files, {got.n_bytes / 1e9:.2f} GB"
        typer.echo(f"{one.where:<30} {one.reference}: {size}{of}")
    if named:
        typer.echo("All is here and whole: stages need no network (HF_HUB_OFFLINE=1).")
    else:
        typer.echo("These parameters name nothing of the hub: nothing to fetch.")


def _pin(target: Path, values: dict[str, Any], one: prefetch.Wanted) -> None:
    """Write the present commit behind a name: a value, or an item of a list (``adapters[0]``)."""
    commit = prefetch.latest(one)
    name, _, index = one.where.removesuffix("]").partition("[")
    *parents, last = name.split(".")
    place = values
    for key in parents:
        place = place[key]
    if index:
        place[last][int(index)] = f"{place[last][int(index)]}@{commit}"
    else:
        place[last] = f"{place[last]}@{commit}"
    profiles.write(target, profiles.nested({name: place[last]}))
    typer.echo(f"{one.where:<30} pinned to {one.repo_id}@{commit} in {target}")
