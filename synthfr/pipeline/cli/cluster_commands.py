"""``synth-fr cluster init``: a checkout made ready for many jobs at once."""

from __future__ import annotations

from pathlib import Path

import typer

from synthfr.pipeline import layout
from synthfr.pipeline.cluster.setup import set_up
from synthfr.pipeline.parameters import load_params
from synthfr.pipeline.tracking.faults import unreachable
from synthfr.pipeline.tracking.store import Store, connect


def init(cache: Path | None, group: str | None, hardlink_lock: bool) -> None:
    """Settings, the logs' folder, MLflow's database: one opening now, not many at once later."""
    for line in set_up(cache, group, hardlink_lock):
        typer.echo(line)
    Path("logs").mkdir(exist_ok=True)
    settings = load_params().tracking
    store = Store.at(layout.store_folder(), settings.experiment, settings.timeout_s)
    if (why := unreachable(store)) is not None:
        typer.echo(f"MLflow: {store.shown_uri} does not answer ({why}); runs go on without it.")
    else:
        connect(store)
        typer.echo(f"MLflow: {store.shown_uri} is ready.")
    typer.echo("Ready. Next: synth-fr submit --dry-run")
