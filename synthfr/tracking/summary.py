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
_CELL = re.compile(r"size_(\d+)/top_k_(\d+)/(macro_f1|map|micro_f1)/(mean|low|high)")
_MEASURES = ("privacy", "fidelity")


def of(stage: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """A stage's share in the summary of its step; empty for stages that measure no data set.

    `metrics` are flat, with names as MLflow has them (``size_1000/top_k_20/macro_f1/mean``).
    """
    if stage in _MEASURES:
        return {
            f"{stage}/{name}": value
            for name, value in metrics.items()
            if not name.startswith("run/")
        }
    if stage != "classify":
        return {}
    cells = ((_CELL.fullmatch(name), value) for name, value in metrics.items())
    return {_cell_name(*match.groups()): value for match, value in cells if match}


def _cell_name(size: str, top_k: str, metric: str, part: str) -> str:
    # the metric first, so that MLflow groups by it; the mean is the figure, its limits stand beside
    # it
    suffix = "" if part == "mean" else f"_{part}"
    return f"{metric}/{size}_reports/top_{top_k}{suffix}"


def groups(stage: str) -> tuple[str, ...]:
    """The prefixes of metric names that only `stage` writes."""
    return ("macro_f1/", "map/", "micro_f1/") if stage == "classify" else (f"{stage}/",)


def update(
    client: MlflowClient,
    experiment_id: str,
    tags: Mapping[str, str],
    values: Mapping[str, float],
    time_ms: int,
) -> None:
    """Write a stage's `values` into the summary run of the step that its `tags` name.

    The run stays the same one, so that a link to a comparison lives on; only when it carries
    figures that the stage no longer has (another grid) is it made anew, because MLflow cannot
    forget a metric.
    """
    from mlflow.entities import Metric, Param

    stage, step = tags["stage"], tags["step"]
    wanted = f"attributes.run_name = '{step}' and tags.kind = '{KIND}'"
    found = client.search_runs([experiment_id], wanted)
    metrics = dict(values)
    kept = dict(found[0].data.metrics) if found else {}
    stale = {name for name in kept if name.startswith(groups(stage)) and name not in values}
    if found and not stale:
        run_id = found[0].info.run_id
    else:
        metrics = {name: value for name, value in kept.items() if name not in stale} | metrics
        told = {name: tags[name] for name in ("step", "profile") if name in tags} | {"kind": KIND}
        run = client.create_run(experiment_id, start_time=time_ms, tags=told, run_name=step)
        run_id = run.info.run_id
        client.log_batch(run_id, params=[Param("step", step)])
    for old in found:
        if old.info.run_id != run_id:
            client.delete_run(old.info.run_id)
    items = list(metrics.items())
    for start in range(0, len(items), 1000):
        some = items[start : start + 1000]
        client.log_batch(run_id, metrics=[Metric(name, value, time_ms, 0) for name, value in some])
    client.set_terminated(run_id, "FINISHED", time_ms)
