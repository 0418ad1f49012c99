"""``synth-fr profile``: what each profile is, what it changes, and laying it over params.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from synthfr.disk import read_yaml
from synthfr.pipeline import profiles

PARAMS, FOLDER = Path("params.yaml"), Path("profiles")


def list_all() -> None:
    applied = read_yaml(PARAMS).get("tracking", {}).get("profile")
    for name in profiles.names(FOLDER):
        first, *_ = [*profiles.header(FOLDER / f"{name}.yaml"), ""]
        mark = "*" if name == applied else " "
        typer.echo(f"{mark} {name:<14} {first}")
    if applied == profiles.EMBEDDED:
        typer.echo(f"* {profiles.EMBEDDED:<14} params.yaml as it is shipped")


def show(name: str) -> None:
    path = profiles.path_of(FOLDER, name)
    typer.echo("\n".join(profiles.header(path)))
    typer.echo("")
    _print_changes(profiles.changes(PARAMS, path))
    typer.echo(f"\nTime, disk and memory: synth-fr plan --profile {name}")


def apply(name: str) -> None:
    made = profiles.apply(PARAMS, profiles.path_of(FOLDER, name))
    _print_changes(made)
    if made:
        typer.echo(
            "params.yaml is written; `dvc repro` runs it, `git restore params.yaml` undoes it."
        )


def _print_changes(made: Iterable[profiles.Change]) -> None:
    made = list(made)
    width = max((len(change.name) for change in made), default=0)
    for change in made:
        typer.echo(f"{change.name:<{width}}  {change.now} -> {change.wanted}")
    if not made:
        typer.echo("params.yaml already has all of it.")
