"""One run per step (``step0``, ``dpo1``, ...) with that step's figures, under the same metric names
for every step.

Ticking the steps' summary runs and pressing Compare is how the question "did the round help?" is
asked in MLflow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

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
    """Write a stage's `values` into the summary run of the step that its `tags` name.

    The run stays the same one, so that a link to a comparison lives on. It is made anew when it
    carries figures that the stage no longer has (another grid), because MLflow cannot forget a
    metric, and when the first macro-F1 arrives, because MLflow plots the metric logged first.
    """
    from mlflow.entities import Metric, Param

    stage, step = tags["stage"], tags["step"]
    wanted = f"attributes.run_name = '{step}' and tags.kind = '{KIND}'"
    found = client.search_runs([experiment_id], wanted)
    kept = dict(found[0].data.metrics) if found else {}
    metrics = dict(values)
    stale = {name for name in kept if _writer(name) == stage and name not in values}
    first = stage == "classify" and not any(_writer(name) == stage for name in kept)
    if found and not stale and not first:
        run_id = found[0].info.run_id
    else:
        metrics |= {name: value for name, value in kept.items() if _writer(name) != stage}
        told = {name: tags[name] for name in ("step", "profile") if name in tags} | {"kind": KIND}
        run = client.create_run(experiment_id, start_time=time_ms, tags=told, run_name=step)
        run_id = run.info.run_id
        client.log_batch(run_id, params=[Param("step", step)])
    items = sorted(metrics.items())
    for start in range(0, len(items), 1000):
        some = items[start : start + 1000]
        client.log_batch(run_id, metrics=[Metric(name, value, time_ms, 0) for name, value in some])
    client.set_terminated(run_id, "FINISHED", time_ms)
    for old in found:
        if old.info.run_id != run_id:
            client.delete_run(old.info.run_id)
