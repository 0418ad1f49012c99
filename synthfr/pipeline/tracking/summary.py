"""One run per step (``step0``, ``dpo1``, ...) of a family, with that step's figures, under the same
metric names for every step.

Ticking the steps' summary runs and pressing Compare is how the question "did the round help?" is
asked in MLflow.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synthfr.pipeline.tracking import family as families
from synthfr.pipeline.tracking.locks import exclusive
from synthfr.pipeline.tracking.shown import Shown, holds
from synthfr.pipeline.tracking.store import Store, connect, shown_runs, shown_series
from synthfr.pipeline.tracking.summary_figures import Figures, writer

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KIND = "summary"  # tag `kind` of these runs; stages' own runs have "stage"
# of the family's tags, those that a summary has too
_SHARED = ("state", "recipe", "profile", "git_commit", "dvc_exp_name")
_NOTE = """\
The figures of one step's data set, under the same names for every step: `f1_macro` and `map` of \
a coder trained on it (by size and top k; plain: the largest of both), their `gain` over the best \
baseline (0.5: +50 %), `faithfulness` and `fidelity` of its reports, `privacy`: what they share \
with private ones. Tick several steps and press *Compare*.
"""


def update(
    client: MlflowClient,
    experiment_id: str,
    family: families.Family,
    figures: Sequence[Figures],
    time_ms: int,
) -> None:
    """Write what some stages measured of steps into their summaries and into the family's series.
    The caller holds the store's summary lock.
    """
    parent_id = families.parent(client, experiment_id, family, time_ms)
    for now in figures:
        wanted = (
            f"attributes.run_name = '{now.step}' and tags.kind = '{KIND}' "
            f"and tags.state = '{family.state}'"
        )
        found = client.search_runs([experiment_id], wanted)
        if len(found) != 1 or not _shows(found[0].data.tags, found[0].data.metrics, family, now):
            _write(client, experiment_id, parent_id, family, now, found, time_ms)
    families.log_series(client, parent_id, families.series_of(figures), time_ms)
    families.touch(client, parent_id, time_ms)


def bring_up_to_date(store: Store, family: families.Family, wanted: Sequence[Figures]) -> list[str]:
    """Make the family's summaries and series show what is `wanted`, whatever was recorded last; the
    names of what changed.

    A summary that shows it is left alone, and so is what nothing is wanted of: it was measured in
    this very state. Runs of stages and other families are not touched.
    """
    if not _differing(store, shown_runs(store), family, wanted):
        return []
    store.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(store.summary_lock):
        client, experiment_id = connect(store)
        shown = shown_runs(store)
        changed = _differing(store, shown, family, wanted)
        time_ms = time.time_ns() // 1_000_000
        parent_id = families.parent(client, experiment_id, family, time_ms)
        for now in wanted:
            if now.step not in changed:
                continue
            own = _of_family(shown, family, now.step)
            found = [client.get_run(one.run_id) for one in own]
            run_id = _write(client, experiment_id, parent_id, family, now, found, time_ms)
            written = client.get_run(run_id)
            # MLflow shows the value with the latest time: one that a clock ahead wrote stays
            if not _shows(written.data.tags, written.data.metrics, family, now):
                client.delete_run(run_id)
                _write(client, experiment_id, parent_id, family, now, [], time_ms)
        families.log_series(client, parent_id, families.series_of(wanted), time_ms)
        families.touch(client, parent_id, time_ms)
    return changed


def _differing(
    store: Store, shown: Sequence[Shown], family: families.Family, wanted: Sequence[Figures]
) -> list[str]:
    if not wanted:
        return []
    found = {now.step: _of_family(shown, family, now.step) for now in wanted}
    steps = [
        now.step
        for now in wanted
        if len(found[now.step]) != 1
        or not _shows(found[now.step][0].tags, found[now.step][0].metrics, family, now)
    ]
    parent = families.shown_parent(shown, family.state)
    has = {} if parent is None else shown_series(store, parent.run_id)
    whole = families.lacking(has, families.series_of(wanted))
    return [*steps, *(["the series over the rounds"] if parent is None or whole else [])]


def _of_family(shown: Sequence[Shown], family: families.Family, step: str) -> list[Shown]:
    own = (KIND, family.state, step)
    return [run for run in shown if (run.tags.get("kind"), run.tags.get("state"), run.name) == own]


def _shows(
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    family: families.Family,
    now: Figures,
) -> bool:
    own = {name for name in metrics if writer(name) in now.stages}
    whole = holds(metrics, now.values) and own == now.values.keys()
    same_data = now.data is None or tags.get("data") == now.data
    return whole and same_data and tags.get("profile") == family.tags.get("profile")


def _write(
    client: MlflowClient,
    experiment_id: str,
    parent_id: str,
    family: families.Family,
    now: Figures,
    found: Sequence[Run],
    time_ms: int,
) -> str:
    """Make the step's summary show `now` beside what other stages measured; `found` are the ones
    that there are. The run's id.

    The run stays the same one, so that a link to a comparison lives on. It is made anew when it
    carries figures that are no longer measured, because MLflow cannot forget a metric, and when the
    first macro-F1 arrives, because MLflow plots the metric logged first.
    """
    from mlflow.entities import Metric, Param

    kept = dict(found[0].data.metrics) if found else {}
    others = {name: value for name, value in kept.items() if writer(name) not in now.stages}
    now = replace(now, values={**others, **now.values})
    stale = kept.keys() - now.values.keys()
    first = not any(writer(name) == "classify" for name in kept) and any(
        writer(name) == "classify" for name in now.values
    )
    if found and not stale and not first:
        run_id = str(found[0].info.run_id)
        if profile := family.tags.get("profile"):
            client.set_tag(run_id, "profile", profile)
    else:
        shared = {name: family.tags[name] for name in _SHARED if name in family.tags}
        own = {"kind": KIND, "step": now.step, families.PARENT: parent_id, families.NOTE: _NOTE}
        # settings are tags: as params, which the bare base lacks, they would spoil MLflow's plot
        tags = {**shared, **now.settings, **own}
        run = client.create_run(experiment_id, start_time=time_ms, tags=tags, run_name=now.step)
        run_id = str(run.info.run_id)
        client.log_batch(run_id, params=[Param("step", now.step)])
    if now.data is not None:
        _log_data(client, run_id, now.step, now.data)
    items = sorted(now.values.items())
    for start in range(0, len(items), 1000):
        some = items[start : start + 1000]
        client.log_batch(run_id, metrics=[Metric(name, value, time_ms, 0) for name, value in some])
    client.set_terminated(run_id, "FINISHED", time_ms)
    for old in found:
        if old.info.run_id != run_id:
            client.delete_run(old.info.run_id)
    return run_id


def _log_data(client: MlflowClient, run_id: str, step: str, md5: str) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    if client.get_run(run_id).data.tags.get("data") == md5:
        return
    client.set_tag(run_id, "data", md5)
    source = json.dumps({"uri": f"data/synthetic/{step}"})
    # MLflow takes 36 characters of a digest
    dataset = Dataset(f"synthetic {step}", md5, "local", source)
    client.log_inputs(
        run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "synthetic")])]
    )
