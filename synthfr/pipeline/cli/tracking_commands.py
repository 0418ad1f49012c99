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

from synthfr.disk import digest, read_json, read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.cli.seed_record import RECORD_PATH
from synthfr.pipeline.page import overlaps, record
from synthfr.pipeline.page.results import REFERENCES, load
from synthfr.pipeline.parameters import Params, load_params
from synthfr.pipeline.runner import flatten, own_params
from synthfr.pipeline.tracking import open_tracker
from synthfr.pipeline.tracking.recorder import drain
from synthfr.pipeline.tracking.spool import metric_name
from synthfr.pipeline.tracking.store import Store, settle_places, shown_runs, told
from synthfr.pipeline.tracking.summary import KIND, Figures, bring_up_to_date, of
from synthfr.pipeline.tracking.sync import Expected, check, synchronise

LOCK = Path("dvc.lock")
METRICS = Path("metrics")


def sync() -> None:
    """Send what waits, rebuild what MLflow lacks, and say what was done."""
    params = load_params()
    known, stale = expected(params)
    tracker = open_tracker(params.tracking, layout.store_folder())
    done = synchronise(tracker, known, summaries(params))
    typer.echo(
        f"{tracker.store.shown_uri}: {done.unchanged} runs were as they should be, "
        f"{done.sent} waiting ones were sent, {len(done.rebuilt)} were rebuilt from metrics/."
    )
    if done.summaries:
        typer.echo(f"Summaries brought up to date with metrics/: {', '.join(done.summaries)}.")
    if stale:
        typer.echo(
            f"Left out, because parameters have changed since they ran: {', '.join(stale)}. "
            "`dvc repro` runs them again."
        )


def send_waiting() -> None:
    """Give MLflow the records that stages left in the spool, if there are any."""
    if not any((layout.store_folder() / "spool").glob("*.jsonl")):
        return
    settings = load_params().tracking
    store = Store.at(layout.store_folder(), settings.experiment, settings.timeout_s)
    try:
        check(store)
        with told(store):
            sent = drain(store)
    except UserError as error:
        typer.echo(f"{error} `synth-fr sync` sends the waiting runs then.")
        return
    if sent:
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
    return Expected(
        name,
        tags,
        flatten(own, "."),
        _numbers(read_json(metrics)) if metrics.is_file() else {},
        series={_curve(path, item): _rows(path) for path in outs if path.suffix == ".csv"},
        inputs=_public_data(entry.get("deps", [])),
        adapter=adapters[0] if adapters else None,
    )


def summaries(params: Params) -> list[Figures]:
    """What each step's summary should show: what metrics/ holds of it now."""
    wanted = []
    for step in params.steps:
        values: dict[str, float] = {}
        for path in sorted(METRICS.glob(f"*/{step}.json")):
            values |= of(path.parent.name, _named(read_json(path)))
        if values:
            wanted.append(Figures(step, params.tracking.profile, values))
    return wanted + _beside(params)


def _beside(params: Params) -> list[Figures]:
    """What stands beside the steps: the coders trained on real reports; and, where the record over
    seeds is of this loop, its controls with this seed.
    """
    path = METRICS / "reference.json"
    trees = read_json(path) if path.is_file() else {}
    runs = {name: of("classify", _named(trees.get(name, {}))) for name in REFERENCES}
    found = record.read(RECORD_PATH)
    if found is not None:
        place = record.place_of(found, load(METRICS, params.steps), params.random_seed)
        if place is not None:
            runs |= {name: _control(found, name, place) for name in found.controls}
    return [
        Figures(name, params.tracking.profile, values) for name, values in runs.items() if values
    ]


def _control(found: record.Record, name: str, place: int) -> dict[str, float]:
    """A control's figures with one seed, named as the steps' are."""
    coders = {
        f"size_{size}/top_k_{top_k}/{metric}/mean": runs.get(name)
        for metric, cells in found.metrics.items()
        for (size, top_k), runs in cells.items()
    }
    faithful = {f"faithfulness/{key}": runs.get(name) for key, runs in found.faithfulness.items()}
    private = {
        "/".join(where): found.privacy.get(key, {}).get(name)
        for key, where in overlaps.MEASURES.items()
    }
    values: dict[str, float] = {}
    for stage, series in (("classify", coders), ("fidelity", faithful), ("privacy", private)):
        with_seed = {key: one[place] for key, one in series.items() if one is not None}
        values |= of(stage, {key: one for key, one in with_seed.items() if one is not None})
    return values


def _named(tree: Any) -> dict[str, float]:
    """Numbers of a metrics file under the names that MLflow has for them."""
    return {metric_name(key): value for key, value in _numbers(tree).items()}


def _numbers(tree: Any) -> dict[str, float]:
    return {key: float(value) for key, value in flatten(tree).items() if value is not None}


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
    """Become ``mlflow ui``, once the summaries show what metrics/ holds now; says where the
    comparison of the steps is.
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
    typer.echo(f"MLflow takes some seconds to start: http://{host}:{port}")
    with told(store):
        if changed := bring_up_to_date(store, summaries(params)):
            typer.echo(f"Summaries brought up to date with metrics/: {', '.join(changed)}.")
        settle_places(store)
        compared = comparison(store)
    if compared:
        typer.echo(f"The steps side by side: http://{host}:{port}/{compared}")
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


def comparison(store: Store) -> str | None:
    """Page of MLflow that sets the steps' summary runs side by side; None when there is none."""
    steps = load_params().steps
    found = {run.name: run for run in shown_runs(store) if run.tags.get("kind") == KIND}
    runs = [found[step] for step in steps if step in found]
    if not runs:
        return None
    ids = quote(json.dumps([run.run_id for run in runs], separators=(",", ":")))
    return f"#/compare-runs?runs={ids}&experiments={quote(json.dumps([runs[0].experiment_id]))}"
