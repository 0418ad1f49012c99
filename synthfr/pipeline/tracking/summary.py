"""One run per step (``step0``, ``dpo1``, ...) with that step's figures, under the same metric names
for every step.

Ticking the steps' summary runs and pressing Compare is how the question "did the round help?" is
asked in MLflow.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthfr.pipeline.tracking.shown import Shown, holds
from synthfr.pipeline.tracking.store import Store, connect, exclusive, shown_runs

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KIND = "summary"  # tag `kind` of these runs; stages' own runs have "stage"
_CELL = re.compile(r"(size_\d+/top)_k(_\d+)/(macro_f1|map|micro_f1)/(mean|low|high)")
# MLflow lists metrics by name: macro-F1, under the name that scikit-learn knows it by, comes first
_SHOWN_AS = {"macro_f1": "f1_macro", "micro_f1": "f1_micro", "map": "map"}
_FIDELITY = {"synthetic": "fidelity", "difference": "fidelity_difference"}
_FAITHFULNESS = "faithfulness/"  # of `fidelity`, where the truth behind a report is known


def of(stage: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """A stage's share in the summary of its step; empty for stages that measure no data set.

    `metrics` are flat, named as MLflow has them (``size_1000/top_k_20/macro_f1/mean``, which
    becomes ``f1_macro/size_1000/top_20``). What is the same for every step is left out.
    """
    found = {_summary_name(stage, name): value for name, value in metrics.items()}
    return {name: value for name, value in found.items() if name is not None}


def _summary_name(stage: str, name: str) -> str | None:
    if stage == "classify" and (match := _CELL.fullmatch(name)):
        cell, top_k, metric, part = match.groups()
        limit = "" if part == "mean" else f"_{part}"
        return f"{_SHOWN_AS[metric]}{limit}/{cell}{top_k}"
    if stage == "privacy" and not name.startswith("run/"):
        return f"privacy/{name}"
    if stage == "fidelity" and name.startswith(_FAITHFULNESS):
        return name
    feature, _, part = name.rpartition("/")
    return f"{_FIDELITY[part]}/{feature}" if stage == "fidelity" and part in _FIDELITY else None


def _writer(name: str) -> str:
    """The stage that a summary's metric comes from."""
    if name.startswith(_FAITHFULNESS):
        return "fidelity"
    group = name.partition("/")[0].partition("_")[0]
    return group if group in ("privacy", "fidelity") else "classify"


def update(
    client: MlflowClient,
    experiment_id: str,
    tags: Mapping[str, str],
    values: Mapping[str, float],
    time_ms: int,
) -> None:
    """Write a stage's `values` into the summary run of the step that its `tags` name; what other
    stages wrote stays.
    """
    stage, step = tags["stage"], tags["step"]
    wanted = f"attributes.run_name = '{step}' and tags.kind = '{KIND}'"
    found = client.search_runs([experiment_id], wanted)
    kept = dict(found[0].data.metrics) if found else {}
    others = {name: value for name, value in kept.items() if _writer(name) != stage}
    now = Figures(step, tags.get("profile"), {**others, **values})
    _write(client, experiment_id, now, found, time_ms)


@dataclass(frozen=True)
class Figures:
    """What the summary of a step should show, and nothing else."""

    step: str
    profile: str | None
    values: Mapping[str, float]

    def shown_by(self, tags: Mapping[str, str], metrics: Mapping[str, float]) -> bool:
        same = holds(metrics, self.values) and len(metrics) == len(self.values)
        return same and tags.get("profile") == self.profile


def bring_up_to_date(store: Store, wanted: Sequence[Figures]) -> list[str]:
    """Make the summaries show what is `wanted`, whatever was recorded last; the steps changed.

    A summary that shows it is left alone. One of a step that is not wanted is removed: its figures
    would pass for present ones. Runs of stages are not touched.
    """
    if not _differing(shown_runs(store), wanted):
        return []
    store.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(store.summary_lock):
        client, experiment_id = connect(store)
        shown = shown_runs(store)
        changed = _differing(shown, wanted)
        time_ms = time.time_ns() // 1_000_000
        for step in changed:
            found = [client.get_run(one.run_id) for one in _summaries(shown) if one.name == step]
            now = next((figures for figures in wanted if figures.step == step), None)
            if now is None:
                for one in found:
                    client.delete_run(one.info.run_id)
                continue
            run_id = _write(client, experiment_id, now, found, time_ms)
            written = client.get_run(run_id)
            # MLflow shows the value with the latest time: one that a clock ahead wrote stays
            if not now.shown_by(written.data.tags, written.data.metrics):
                client.delete_run(run_id)
                _write(client, experiment_id, now, [], time_ms)
    return changed


def _differing(shown: Sequence[Shown], wanted: Sequence[Figures]) -> list[str]:
    by_step: dict[str, list[Shown]] = {figures.step: [] for figures in wanted}
    for one in _summaries(shown):
        by_step.setdefault(one.name, []).append(one)
    by_name = {figures.step: figures for figures in wanted}
    return [
        step
        for step, found in by_step.items()
        if step not in by_name
        or len(found) != 1
        or not by_name[step].shown_by(found[0].tags, found[0].metrics)
    ]


def _summaries(shown: Sequence[Shown]) -> list[Shown]:
    return [one for one in shown if one.tags.get("kind") == KIND]


def _write(
    client: MlflowClient, experiment_id: str, now: Figures, found: Sequence[Run], time_ms: int
) -> str:
    """Make the step's summary show `now`; `found` are the ones that there are. The run's id.

    The run stays the same one, so that a link to a comparison lives on. It is made anew when it
    carries figures that are no longer measured (another grid), because MLflow cannot forget a
    metric, and when the first macro-F1 arrives, because MLflow plots the metric logged first.
    """
    from mlflow.entities import Metric, Param

    kept = found[0].data.metrics if found else {}
    stale = kept.keys() - now.values.keys()
    first = not any(_writer(name) == "classify" for name in kept) and any(
        _writer(name) == "classify" for name in now.values
    )
    if found and not stale and not first:
        run_id = str(found[0].info.run_id)
        if now.profile is not None:
            client.set_tag(run_id, "profile", now.profile)
    else:
        told = {"step": now.step, "profile": now.profile, "kind": KIND}
        tags = {name: value for name, value in told.items() if value is not None}
        run = client.create_run(experiment_id, start_time=time_ms, tags=tags, run_name=now.step)
        run_id = str(run.info.run_id)
        client.log_batch(run_id, params=[Param("step", now.step)])
    items = sorted(now.values.items())
    for start in range(0, len(items), 1000):
        some = items[start : start + 1000]
        client.log_batch(run_id, metrics=[Metric(name, value, time_ms, 0) for name, value in some])
    client.set_terminated(run_id, "FINISHED", time_ms)
    for old in found:
        if old.info.run_id != run_id:
            client.delete_run(old.info.run_id)
    return run_id
