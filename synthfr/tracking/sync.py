"""Runs rebuilt from what is versioned, in a clone that has never run anything, or after a server
was down.

The metrics files are the truth, MLflow is the view: a stage whose metrics MLflow does not show as
they are is recorded anew, through the same records that stages write. Doing it twice changes
nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.tracking.recorder import drain
from synthfr.tracking.spool import Tracker, metric_name
from synthfr.tracking.store import Store, connect, is_locked, unreachable

if TYPE_CHECKING:
    from mlflow.entities import Run as MlflowRun

_PATIENCE_S = 600.0  # for another recorder that is sending


@dataclass(frozen=True)
class Expected:
    """A stage execution that MLflow should show."""

    name: str
    tags: Mapping[str, str]  # with `params_digest`
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    series: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    inputs: Mapping[Path, str] = field(default_factory=dict)  # path: MD5
    adapter: Path | None = None


@dataclass(frozen=True)
class Synced:
    """What `synchronise` did: runs sent from the spool, rebuilt from files, and found as they
    should be.
    """

    sent: int
    rebuilt: list[str]
    unchanged: int


def synchronise(
    tracker: Tracker, expected: Sequence[Expected], tell: Callable[[str], None] = lambda _: None
) -> Synced:
    """Send what waits in the spool, then rebuild what MLflow lacks. A server that does not answer
    is a UserError.
    """
    store = tracker.store
    if (why := unreachable(store)) is not None:
        raise UserError(
            f"{store.shown_uri} does not answer ({why}): start it, or unset MLFLOW_TRACKING_URI."
        )
    tell(f"sending what waits to {store.shown_uri}")
    sent = _drained(store)
    client, experiment_id = connect(store)
    shown = {}
    for run in client.search_runs(
        [experiment_id], "tags.kind = 'stage' and attributes.status = 'FINISHED'", max_results=5000
    ):
        shown[run.info.run_name, run.data.tags.get("params_digest", "")] = run
    rebuilt = []
    for one in expected:
        if not _shows(shown.get((one.name, one.tags["params_digest"])), one):
            _record(tracker, one)
            rebuilt.append(one.name)
    tell(f"rebuilding {len(rebuilt)} runs")
    _drained(store)
    return Synced(sent, rebuilt, len(expected) - len(rebuilt))


def _shows(run: MlflowRun | None, one: Expected) -> bool:
    if run is None:
        return False
    has = run.data.metrics
    return all(
        (name := metric_name(key)) in has
        and math.isclose(has[name], value, rel_tol=1e-6, abs_tol=1e-9)
        for key, value in one.metrics.items()
    )


def _record(tracker: Tracker, one: Expected) -> None:
    tags = {
        "kind": "stage",
        "profile": tracker.profile,
        **one.tags,
        "rebuilt": "from versioned metrics",
    }
    run = tracker.begin(one.name, tags, one.params, wake=False)
    run.log_metrics(one.metrics)
    for name, rows in one.series.items():
        run.log_series(rows, name)
    for path, digest in one.inputs.items():
        run.log_input(path, path.stem, digest)
    if one.adapter is not None:
        run.log_artifacts(one.adapter, "adapter")
    run.end("FINISHED")


def _drained(store: Store) -> int:
    """Empty the spool: here, or by the recorder that is at work already."""
    deadline = time.monotonic() + _PATIENCE_S
    while (sent := drain(store)) is None:
        waiting = [path for path in store.spool.glob("[!.]*.jsonl") if not is_locked(path)]
        if not waiting:
            return 0
        if time.monotonic() > deadline:
            raise UserError(
                f"Another recorder is at work since {_PATIENCE_S:.0f} s: see {store.recorder_log}."
            )
        time.sleep(0.2)
    return sent
