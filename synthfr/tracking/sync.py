"""Runs rebuilt from what is versioned, in a clone that has never run anything, or after a server
was down.

The metrics files are the truth, MLflow is the view: a stage whose metrics MLflow does not show as
they are is recorded anew, through the same records that stages write. Doing it twice changes
nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.tracking.recorder import drain
from synthfr.tracking.spool import Tracker, metric_name
from synthfr.tracking.store import Store, connect, is_locked, unreachable
from synthfr.tracking.summary import KIND, of

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


def synchronise(tracker: Tracker, expected: Sequence[Expected]) -> Synced:
    """Send what waits in the spool, then rebuild what MLflow lacks. A server that does not answer
    is a UserError.
    """
    store = tracker.store
    if (why := unreachable(store)) is not None:
        raise UserError(
            f"{store.shown_uri} does not answer ({why}): start it, or unset MLFLOW_TRACKING_URI."
        )
    sent = send_waiting(store)
    shown = _shown(store)
    rebuilt = [one.name for one in expected if not _is_shown(shown, one)]
    for one in expected:
        if one.name in rebuilt:
            _record(tracker, one)
    send_waiting(store)
    return Synced(sent, rebuilt, len(expected) - len(rebuilt))


def _shown(store: Store) -> dict[tuple[str, str], Mapping[str, float]]:
    """Metrics of finished runs by (name, parameter digest); a summary's digest is its kind."""
    client, experiment_id = connect(store)
    found = client.search_runs([experiment_id], "attributes.status = 'FINISHED'", max_results=5000)
    shown = {}
    for run in reversed(found):  # the newest of a name and digest counts
        tags = run.data.tags
        digest = KIND if tags.get("kind") == KIND else tags.get("params_digest", "")
        shown[run.info.run_name, digest] = run.data.metrics
    return shown


def _is_shown(shown: Mapping[tuple[str, str], Mapping[str, float]], one: Expected) -> bool:
    """Whether both the stage's run and its share in the step's summary are as they should be."""
    metrics = {metric_name(name): value for name, value in one.metrics.items()}
    share = of(one.tags.get("stage", ""), metrics)
    return _holds(shown.get((one.name, one.tags["params_digest"])), metrics) and (
        not share or _holds(shown.get((one.tags.get("step", ""), KIND)), share)
    )


def _holds(has: Mapping[str, float] | None, wanted: Mapping[str, float]) -> bool:
    return has is not None and all(
        name in has and math.isclose(has[name], value, rel_tol=1e-6, abs_tol=1e-9)
        for name, value in wanted.items()
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


def send_waiting(store: Store) -> int:
    """Empty the spool: here, or by the recorder that is at work already. Runs sent from here."""
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
