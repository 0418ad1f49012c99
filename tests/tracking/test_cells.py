"""A nested run for each cell of classify's grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow import MlflowClient

from synthfr.coding import counting
from synthfr.pipeline.runner import StageRun
from synthfr.pipeline.tracking import Tracker, recorder
from synthfr.pipeline.tracking.cells import remove_run
from synthfr.pipeline.tracking.family import PARENT
from synthfr.pipeline.tracking.store import connect
from tests.tracking.conftest import STATE

Shown = Callable[..., list[Any]]
CELLS = [
    {
        "size": size, "top_k": 5, "seed": seed, "evaluation": evaluation, "rule": rule,
        "macro_f1": 0.5 + seed / 10, "map": float("nan"), "auc_micro": 0.9,
    }
    for size in (100, 200) for seed in (0, 1)
    for evaluation in ("unbiased", "original")
    for rule in ("global_threshold", "fixed_threshold", "top_k_mean")
]  # fmt: skip
TAGS = {"stage": "classify", "step": "dpo1", "params_digest": "abc"}


def execute(tracker: Tracker, fail: bool = False) -> None:
    with tracker.run("classify@dpo1", TAGS, {}, STATE) as run:
        run.log_cells(counting(CELLS, "global_threshold"))
        run.log_metrics({"f1_macro": 0.55})
        if fail:
            raise RuntimeError


def test_each_coder_has_a_run_below_the_stages(tracker: Tracker, shown: Shown) -> None:
    execute(tracker)
    [stage] = shown("classify@dpo1")
    [one] = shown("size=200 top_k=5 seed=1 evaluation=unbiased rule=global_threshold")
    assert one.data.tags[PARENT] == stage.info.run_id
    assert one.data.params == {
        "size": "200", "top_k": "5", "seed": "1", "evaluation": "unbiased",
        "rule": "global_threshold",
    }  # fmt: skip
    metrics = dict(one.data.metrics)
    assert metrics.pop("map") != metrics  # not defined
    assert metrics == {"f1_macro": 0.6, "auc_micro": 0.9}
    assert "f1_macro" in stage.data.metrics  # the same name
    told = {name: one.data.tags[name] for name in ("kind", "stage", "step", "state", "profile")}
    assert told == {
        "kind": "cell", "stage": "classify", "step": "dpo1", "state": STATE.key,
        "profile": "embedded",
    }  # fmt: skip
    assert one.info.status == "FINISHED"


def cells(tracker: Tracker) -> list[Any]:
    recorder.drain(tracker.store)
    client, experiment_id = connect(tracker.store)
    return list(client.search_runs([experiment_id], "tags.kind = 'cell'"))


def test_only_those_that_count_the_originals_by_its_own_rule(tracker: Tracker) -> None:
    execute(tracker)
    found = [one.data.params for one in cells(tracker)]
    assert len(found) == 8
    assert {(one["evaluation"], one["rule"]) for one in found} == {
        ("unbiased", "global_threshold"), ("original", "fixed_threshold"),
    }  # fmt: skip
    names = {one.info.run_name for one in cells(tracker)}
    assert "size=200 top_k=5 seed=1 evaluation=original rule=fixed_threshold" in names


def test_they_are_those_of_the_stages_last_run(tracker: Tracker, shown: Shown) -> None:
    with pytest.raises(RuntimeError):
        execute(tracker, fail=True)
    assert cells(tracker) == []
    execute(tracker)
    [stage] = shown("classify@dpo1")
    assert {one.data.tags[PARENT] for one in cells(tracker)} == {stage.info.run_id}
    execute(tracker)
    assert len(cells(tracker)) == 16  # what finished stays
    client, experiment_id = connect(tracker.store)
    remove_run(client, experiment_id, stage.info.run_id)
    assert len(cells(tracker)) == 8


def dying(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    create, made = MlflowClient.create_run, []

    def dies(self: MlflowClient, *args: Any, **kwargs: Any) -> Any:
        if len(made) == after:
            raise KeyboardInterrupt
        made.append(create(self, *args, **kwargs))
        return made[-1]

    monkeypatch.setattr(MlflowClient, "create_run", dies)


def test_a_recorder_that_dies_half_way_leaves_no_half_grid(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(tracker)
    with monkeypatch.context() as patched:
        dying(patched, 7)  # the family's, the stage's, and five cells
        with pytest.raises(KeyboardInterrupt):
            recorder.drain(tracker.store)
    assert [path.suffix for path in waiting(tracker)] == [".cells"]
    assert len({one.info.run_name for one in cells(tracker)}) == len(cells(tracker)) == 8
    assert waiting(tracker) == []


def test_the_cells_of_a_run_that_was_replaced_are_not_sent(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    execute(tracker)
    with monkeypatch.context() as patched:
        dying(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            recorder.drain(tracker.store)
    client, experiment_id = connect(tracker.store)
    [stage] = client.search_runs([experiment_id], "attributes.run_name = 'classify@dpo1'")
    client.delete_run(stage.info.run_id)
    assert cells(tracker) == [] and waiting(tracker) == []


def test_a_damaged_file_is_put_aside_and_stops_no_other(tracker: Tracker) -> None:
    tracker.store.spool.mkdir(exist_ok=True)
    (tracker.store.spool / "1.cells").write_text('{"cells": [')
    execute(tracker)
    assert len(cells(tracker)) == 8
    assert [path.name for path in (tracker.store.spool / "refused").iterdir()] == ["1.cells"]


def waiting(tracker: Tracker) -> list[Path]:
    return [path for path in tracker.store.spool.iterdir() if path.is_file()]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_parameter_leaves_them_out(wanted: bool) -> None:
    logged = []
    params = SimpleNamespace(tracking=SimpleNamespace(cells=wanted), random_seed=0)
    tracked = SimpleNamespace(log_cells=logged.append)
    StageRun("classify", "dpo1", params, tracked).cells([])  # type: ignore[arg-type]
    assert len(logged) == wanted
