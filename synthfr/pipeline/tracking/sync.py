"""Runs rebuilt from what is versioned, in a clone that has never run anything, or after a server
was down.

The metrics files are the truth, MLflow is the view: a stage whose metrics no finished run shows as
they are is recorded anew, through the same records that stages write, and the steps' summaries are
made to show what the metrics hold now: after a `git checkout`, after a stage that DVC took from its
run cache. Doing it twice changes nothing, and the second time takes no MLflow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthfr.errors import UserError
from synthfr.pipeline.hashes import md5_file
from synthfr.pipeline.tracking.family import Family, shown_parent
from synthfr.pipeline.tracking.faults import as_user_errors, trouble
from synthfr.pipeline.tracking.locks import is_locked
from synthfr.pipeline.tracking.recorder import drain
from synthfr.pipeline.tracking.shown import Shown, holds
from synthfr.pipeline.tracking.store import Store, shown_runs
from synthfr.pipeline.tracking.summary import bring_up_to_date
from synthfr.pipeline.tracking.summary_figures import Figures
from synthfr.pipeline.tracking.tracker import Tracker

_PATIENCE_S = 600.0  # for another recorder that is sending


@dataclass(frozen=True)
class Expected:
    """A stage execution that MLflow should show."""

    name: str
    tags: Mapping[str, str]  # with `params_digest`
    params: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)  # headline figures
    metrics_file: Path | None = None
    series: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    inputs: Mapping[Path, str] = field(default_factory=dict)  # path: MD5
    adapter: Path | None = None


@dataclass(frozen=True)
class Synced:
    """What `synchronise` did: runs sent from the spool, rebuilt from files, and found as they
    should be; steps whose summary was another one.
    """

    sent: int
    rebuilt: list[str]
    unchanged: int
    summaries: list[str]


def synchronise(
    tracker: Tracker,
    family: Family,
    expected: Sequence[Expected],
    steps: Sequence[Figures],
    *,
    begin: bool = True,
) -> Synced:
    """Send what waits in the spool, rebuild what MLflow lacks, and make the summaries of a family
    show `steps`; unless `begin`, only if MLflow knows the family already.

    A store that cannot be used is a UserError.
    """
    store = tracker.store
    check(store)
    with as_user_errors(store):
        sent = send_waiting(store)
        shown = shown_runs(store)
        missing = [one for one in expected if not _is_shown(shown, one)]
        for one in missing:
            _record(tracker, one, family)
        if missing:
            send_waiting(store)
        begun = begin or shown_parent(shown_runs(store), family.state) is not None
        summaries = bring_up_to_date(store, family, steps) if begun else []
    rebuilt = [one.name for one in missing]
    return Synced(sent, rebuilt, len(expected) - len(rebuilt), summaries)


def check(store: Store) -> None:
    """A store that cannot be used is a UserError."""
    if (why := trouble(store)) is not None:
        raise UserError(f"MLflow: {why}.")


def _is_shown(shown: Sequence[Shown], one: Expected) -> bool:
    """Whether a finished run of any family, not only the last one, has the identity and the
    metrics.
    """
    digest, md5 = one.tags["params_digest"], _md5(one)
    return any(
        (run.status, run.name, run.tags.get("params_digest")) == ("FINISHED", one.name, digest)
        and run.tags.get("metrics_md5") == md5
        and holds(run.metrics, one.metrics)
        for run in shown
    )


def _md5(one: Expected) -> str | None:
    return None if one.metrics_file is None else md5_file(one.metrics_file)


def _record(tracker: Tracker, one: Expected, family: Family) -> None:
    tags = {"kind": "stage", **one.tags, "rebuilt": "from versioned metrics"}
    run = tracker.begin(one.name, tags, one.params, family, wake=False)
    run.log_metrics(one.metrics)
    if one.metrics_file is not None:
        run.log_file(one.metrics_file, "metrics")
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
