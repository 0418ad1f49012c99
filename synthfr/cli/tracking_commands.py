"""``synth-fr ui`` and ``synth-fr sync``: MLflow's view of this checkout."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import typer

from stages import layout
from stages.runner import flatten, own_params
from synthfr.errors import UserError
from synthfr.files import digest, read_json, read_yaml
from synthfr.params import BASE_STEP, FIRST_STEP, Params, load_params
from synthfr.tracking import open_tracker
from synthfr.tracking.recorder import drain
from synthfr.tracking.store import Store, connect, unreachable
from synthfr.tracking.summary import KIND
from synthfr.tracking.sync import Expected, synchronise

LOCK = Path("dvc.lock")


def sync() -> None:
    """Send what waits, rebuild what MLflow lacks, and say what was done."""
    params = load_params()
    known, stale = expected(params)
    tracker = open_tracker(params.tracking, layout.MLRUNS)
    done = synchronise(tracker, known)
    typer.echo(
        f"{tracker.store.shown_uri}: {done.unchanged} runs were as they should be, "
        f"{done.sent} waiting ones were sent, {len(done.rebuilt)} were rebuilt from metrics/."
    )
    if stale:
        typer.echo(
            f"Left out, because parameters have changed since they ran: {', '.join(stale)}. "
            "`dvc repro` runs them again."
        )


def send_waiting() -> None:
    """Give MLflow the records that stages left in the spool, if there are any."""
    if not any((layout.MLRUNS / "spool").glob("*.jsonl")):
        return
    settings = load_params().tracking
    store = Store.at(layout.MLRUNS, settings.experiment, settings.timeout_s)
    if (why := unreachable(store)) is not None:
        typer.echo(f"MLflow: {store.shown_uri} does not answer ({why}): `synth-fr sync` later.")
    elif sent := drain(store):
        typer.echo(f"MLflow: {sent} waiting runs were sent to {store.shown_uri}.")


def expected(params: Params) -> tuple[list[Expected], list[str]]:
    """What dvc.lock says was run: what MLflow should show of it, and names of what is outdated."""
    if not LOCK.is_file():
        raise UserError(f"{LOCK} is missing: nothing was run here yet; `dvc repro` does it.")
    raw = read_yaml("params.yaml")
    known, stale = [], []
    for name, entry in read_yaml(LOCK).get("stages", {}).items():
        used = entry.get("params", {}).get("params.yaml", {})
        if all(_at(raw, key) == value for key, value in used.items()):
            known.append(_expected(params, name, entry))
        else:
            stale.append(name)
    return known, stale


def _expected(params: Params, name: str, entry: dict[str, Any]) -> Expected:
    stage, _, item = name.partition("@")
    own = own_params(params, stage, item or None)
    outs = [Path(out["path"]) for out in entry.get("outs", [])]
    metrics = layout.metrics(stage, item or None)
    adapters = [path for path in outs if (path / "adapter_config.json").is_file()]
    tags = {"stage": stage, "params_digest": digest(own), **({"step": item} if item else {})}
    figures = flatten(read_json(metrics)) if metrics.is_file() else {}
    return Expected(
        name,
        tags,
        flatten(own, "."),
        {key: float(value) for key, value in figures.items() if value is not None},
        series={_curve(path, item): _rows(path) for path in outs if path.suffix == ".csv"},
        inputs=_public_data(entry.get("deps", [])),
        adapter=adapters[0] if adapters else None,
    )


def _curve(path: Path, item: str) -> str:
    return path.parent.name if item else path.stem


def _rows(path: Path) -> list[dict[str, float]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: float(value) for key, value in row.items() if value} for row in rows]


def _public_data(deps: list[dict[str, Any]]) -> dict[Path, str]:
    data = {Path(dep["path"]): str(dep["md5"]) for dep in deps if dep["path"].startswith("data/")}
    return {path: md5 for path, md5 in data.items() if not path.is_relative_to(layout.PRIVATE)}


def _at(params: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        params = params.get(key) if isinstance(params, dict) else None
    return params


def ui(host: str, port: int) -> None:
    """Become ``mlflow ui``, after saying where the comparison of the steps is."""
    settings = load_params().tracking
    store = Store.at(layout.MLRUNS, settings.experiment, settings.timeout_s)
    if store.is_server:
        raise UserError(f"MLFLOW_TRACKING_URI is set: open {store.shown_uri} in a browser.")
    typer.echo(f"MLflow takes some seconds to start: http://{host}:{port}")
    if compared := comparison(store):
        typer.echo(f"The steps side by side: http://{host}:{port}/{compared}")
    else:
        typer.echo("No step is evaluated yet: `dvc repro` does it, `synth-fr sync` shows it.")
    sys.stdout.flush()
    # pages only: without the job runner's dozen processes
    os.environ |= {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [sys.executable, "-m", "mlflow", "ui", f"--backend-store-uri={store.uri}"]
    os.execv(command[0], [*command, f"--host={host}", f"--port={port}", "--workers=1"])


def comparison(store: Store) -> str | None:
    """Page of MLflow that sets the steps' summary runs side by side; None when there is none."""
    client, experiment_id = connect(store)
    found = client.search_runs(
        [experiment_id], f"tags.kind = '{KIND}'", order_by=["attributes.start_time ASC"]
    )
    # the rounds come after those two
    runs = sorted(
        found, key=lambda run: (run.info.run_name not in (BASE_STEP, FIRST_STEP), run.info.run_name)
    )
    if not runs:
        return None
    ids = quote(json.dumps([run.info.run_id for run in runs], separators=(",", ":")))
    return f"#/compare-runs?runs={ids}&experiments={quote(json.dumps([experiment_id]))}"
