"""The parent run of a state of the pipeline: the runs of its stages and the summaries of its steps
are nested under it.

It carries the headline figures of the steps as series over the rounds, so that a chart of MLflow
shows the loop as one line, and two states as two. `step0` is round 0, where DPO begins. The bare
base is no point of the line: it was never taught to write reports, so no round leads from it to
`step0`, and its figures would flatten what the rounds change; its summary stands beside the others.

A family that is begun is never removed, and none of its points is: a state that is repeated with
other figures (another machine's roundings) has a second point in the same place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from synthfr.pipeline.tracking.shown import Shown, same
from synthfr.pipeline.tracking.summary_figures import SERIES, Figures

if TYPE_CHECKING:
    from mlflow import MlflowClient

KIND = "pipeline"  # tag `kind` of these runs
PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"  # the text that MLflow shows above a run
_NOTE = """\
One state of the pipeline: all of its runs are below. The metrics are series over the rounds (0: \
`step0`, 1: `dpo1`, ...), at the largest size and top k. Tick this run and that of another state, \
and *Compare* shows their parameters and figures side by side; the chart view draws a line for each.
"""

_PARAMS_A_CALL = 100  # limit of MLflow's log_batch

Series = Mapping[str, Mapping[int, float]]  # metric -> round -> value


@dataclass(frozen=True)
class Family:
    """What the parent run says of itself. The tag ``state`` names the family."""

    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return self.tags["state"]


def parent(client: MlflowClient, experiment_id: str, family: Family, time_ms: int) -> str:
    """Id of the parent run, made where there is none. The caller holds the store's summary lock."""
    wanted = f"tags.kind = '{KIND}' and tags.state = '{family.state}'"
    found = client.search_runs([experiment_id], wanted, order_by=["attributes.start_time ASC"])
    if found:
        return str(found[0].info.run_id)
    from mlflow.entities import Param

    tags = {**family.tags, "kind": KIND, NOTE: _NOTE}
    name = _name(family)
    run = client.create_run(experiment_id, start_time=time_ms, tags=tags, run_name=name)
    params = [Param(key, value) for key, value in sorted(family.params.items())]
    for start in range(0, len(params), _PARAMS_A_CALL):
        client.log_batch(run.info.run_id, params=params[start : start + _PARAMS_A_CALL])
    touch(client, run.info.run_id, time_ms)
    return str(run.info.run_id)


def touch(client: MlflowClient, run_id: str, time_ms: int) -> None:
    """The family has changed. It is never shown as running: who would end it?"""
    client.set_terminated(run_id, "FINISHED", time_ms)


def _name(family: Family) -> str:
    """As the user named the experiment, or else by profile and state."""
    named = family.tags.get("dvc_exp_name")
    return named or f"{family.tags.get('profile', KIND)} {family.state[:8]}"


def shown_parent(shown: Iterable[Shown], state: str) -> Shown | None:
    """The parent run of a state among the runs shown (newest first)."""
    found = [run for run in shown if (run.tags.get("kind"), run.tags.get("state")) == (KIND, state)]
    return found[-1] if found else None


def series_of(figures: Iterable[Figures]) -> dict[str, dict[int, float]]:
    """The points that the figures of steps make."""
    found: dict[str, dict[int, float]] = {}
    for one in figures:
        if one.round is not None:
            for name, shown_as in SERIES.items():
                if name in one.values:
                    found.setdefault(shown_as, {})[one.round] = one.values[name]
    return found


def lacking(has: Series, wanted: Series) -> dict[str, dict[int, float]]:
    """Points of `wanted` that `has` lacks, or has other values of."""
    return {
        name: new
        for name, points in wanted.items()
        if (
            new := {
                round_: value
                for round_, value in points.items()
                if round_ not in (old := has.get(name, {})) or not same(old[round_], value)
            }
        )
    }


def log_series(client: MlflowClient, run_id: str, wanted: Series, time_ms: int) -> None:
    """Give the parent the points that it lacks. Of two points in one place the later one counts."""
    from mlflow.entities import Metric

    points = []
    for name, by_round in wanted.items():
        history = sorted(client.get_metric_history(run_id, name), key=lambda one: one.timestamp)
        latest = {one.step: one for one in history}
        has = {name: {round_: one.value for round_, one in latest.items()}}
        for round_, value in lacking(has, {name: by_round}).get(name, {}).items():
            # a clock that was ahead shall not win
            after = latest[round_].timestamp + 1 if round_ in latest else 0
            points.append(Metric(name, value, max(time_ms, after), round_))
    if points:
        client.log_batch(run_id, metrics=points)
