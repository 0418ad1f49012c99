"""``synth-fr ui`` and ``synth-fr sync``: MLflow's view of this checkout."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Any

import typer

from synthfr.disk import digest, read_json
from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.nested import flatten
from synthfr.pipeline.parameters import Params, load_params
from synthfr.pipeline.runner import own_params
from synthfr.pipeline.standing import LOCK, Standing, told
from synthfr.pipeline.tracking import links, open_tracker, steps
from synthfr.pipeline.tracking.faults import as_user_errors
from synthfr.pipeline.tracking.recorder import drain, is_waiting
from synthfr.pipeline.tracking.state import State, of_standing
from synthfr.pipeline.tracking.store import Store, settle_places, shown_runs
from synthfr.pipeline.tracking.summary_figures import flat_numbers, of_run
from synthfr.pipeline.tracking.sync import Expected, check, synchronise

_UI = "http://127.0.0.1:5000"  # where `synth-fr ui` is by default


def sync() -> None:
    """Send what waits, rebuild what MLflow lacks, and say what was done and where to look."""
    params = load_params()
    if not LOCK.is_file():
        raise UserError(f"{LOCK} is missing: nothing was run here yet; `dvc repro` does it.")
    standing, state = _standing(params)
    tracker = open_tracker(params.tracking, layout.store_folder())
    family, figures = tracker.family(state), steps.of_standing(params, standing)
    known = expected(params, standing)
    done = synchronise(tracker, family, known, figures, begin=standing.is_up_to_date)
    store = tracker.store
    typer.echo(
        f"{store.shown_uri}: {done.unchanged} runs were as they should be, "
        f"{done.sent} waiting ones were sent, {len(done.rebuilt)} were rebuilt from metrics/."
    )
    if done.summaries:
        typer.echo(f"Brought up to date with metrics/: {', '.join(done.summaries)}.")
    for sentence in told(standing.left_out()):
        typer.echo(sentence)
    with as_user_errors(store):
        found = _links(store, params, state)
    if found:
        typer.echo("In MLflow (`make ui`):")
    _show(found, store.shown_uri.rstrip("/") if store.is_server else _UI)


def send_waiting() -> None:
    """Give MLflow the records that stages left in the spool, if there are any."""
    folder = layout.store_folder()
    if not is_waiting(folder / "spool"):
        return
    settings = load_params().tracking
    store = Store.at(folder, settings.experiment, settings.timeout_s)
    try:
        check(store)
        with as_user_errors(store):
            sent = drain(store)
    except UserError as error:
        typer.echo(f"{error} `synth-fr sync` sends the waiting runs then.")
        return
    if sent:
        typer.echo(f"MLflow: {sent} waiting runs were sent to {store.shown_uri}.")


def _standing(params: Params) -> tuple[Standing, State]:
    """What belongs to the present state, and that state."""
    values = params.model_dump(mode="json")
    standing = Standing(values, layout.store_folder(), opens_private=True)
    return standing, of_standing(values, standing)


def expected(params: Params, standing: Standing) -> list[Expected]:
    """What MLflow should show of what dvc.lock says was run: in the present state, and with what
    came of it at hand.
    """
    absent = {name for names in standing.left_out().values() for name in names}
    found = []
    for name, entry in standing.entries.items():
        paths = [Path(out["path"]) for out in entry.get("outs", [])]
        outs = [path for path in paths if standing.is_shown(path)]
        if outs and name not in absent:
            found.append(_expected(params, name, entry, outs))
    return found


def _expected(params: Params, name: str, entry: dict[str, Any], outs: list[Path]) -> Expected:
    stage, _, item = name.partition("@")
    own = own_params(params, stage, item or None)
    metrics = layout.metrics(stage, item or None)
    adapters = [path for path in outs if (path / "adapter_config.json").is_file()]
    tags = {"stage": stage, "params_digest": digest(own), **({"step": item} if item else {})}
    return Expected(
        name,
        tags,
        flatten(own, "."),
        of_run(stage, flat_numbers(read_json(metrics))) if metrics.is_file() else {},
        metrics if metrics.is_file() else None,
        series={
            _curve(path, item): rows
            for path in outs
            if path.suffix == ".csv" and (rows := _rows(path))
        },
        inputs=_public_data(entry.get("deps", [])),
        adapter=adapters[0] if adapters else None,
    )


def _curve(path: Path, item: str) -> str:
    return path.parent.name if item else path.stem


def _rows(path: Path) -> list[dict[str, float]]:
    """Points of a curve; none of a plot whose axis is no training step."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return [{key: float(value) for key, value in row.items() if value} for row in rows]
    except ValueError:
        return []


def _public_data(deps: list[dict[str, Any]]) -> dict[Path, str]:
    data = {Path(dep["path"]): str(dep["md5"]) for dep in deps if dep["path"].startswith("data/")}
    return {path: md5 for path, md5 in data.items() if not path.is_relative_to(layout.PRIVATE)}


def ui(host: str, port: int) -> None:
    """Become ``mlflow ui``, once the records that wait are sent and the family of this checkout is
    whole; says where the views that matter are.
    """
    params = load_params()
    settings = params.tracking
    store = Store.at(layout.store_folder(), settings.experiment, settings.timeout_s)
    if store.is_server:
        raise UserError(
            f"MLFLOW_TRACKING_URI is set: open {store.shown_uri} in a browser "
            "(`synth-fr sync` brings it up to date)."
        )
    check(store)
    standing, state = _standing(params)
    typer.echo(f"MLflow takes some seconds to start: http://{host}:{port}")
    tracker = open_tracker(settings, layout.store_folder())
    family, figures = tracker.family(state), steps.of_standing(params, standing)
    done = synchronise(tracker, family, [], figures, begin=standing.is_up_to_date)
    if done.summaries:
        typer.echo(f"Brought up to date with metrics/: {', '.join(done.summaries)}.")
    with as_user_errors(store):
        settle_places(store)
        found = _links(store, params, state)
    if found:
        _show(found, f"http://{host}:{port}")
    else:
        typer.echo("No step is evaluated yet: `dvc repro` does it.")
    sys.stdout.flush()
    # pages only: without the job runner's dozen processes
    os.environ |= {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [sys.executable, "-m", "mlflow", "ui", f"--backend-store-uri={store.uri}"]
    os.execv(command[0], [*command, f"--host={host}", f"--port={port}", "--workers=1"])


def _links(store: Store, params: Params, state: State) -> dict[str, str]:
    """Pages of MLflow by what they show: of the present state's family, else, named as such, of the
    newest one.
    """
    shown = shown_runs(store)
    found = {run.tags.get("state") for run in shown}
    key = state.key if state.key in found else links.newest_state(shown)
    if key is None:
        return {}
    whose = "" if key == state.key else " (of an earlier state: the present one is not here yet)"
    pages = {
        f"The steps as bars{whose}": links.bars(shown, key),
        f"The steps side by side{whose}": links.comparison(shown, key, params.steps),
        "Every state of the pipeline, a line each": links.lines(shown),
    }
    return {title: page for title, page in pages.items() if page is not None}


def _show(found: dict[str, str], address: str) -> None:
    for title, page in found.items():
        typer.echo(f"{title}: {address}/{page}")
