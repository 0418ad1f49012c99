"""Runs rebuilt from versioned files, and what a server that was down missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthfr.errors import UserError
from synthfr.pipeline.tracking import Tracker
from synthfr.pipeline.tracking.store import connect
from synthfr.pipeline.tracking.summary_figures import Figures
from synthfr.pipeline.tracking.sync import Expected, Synced
from synthfr.pipeline.tracking.sync import synchronise as bring_up_to_date
from tests.tracking.conftest import STATE

Shown = Callable[..., list[Any]]
TAGS = {"stage": "classify", "step": "dpo1", "params_digest": "abc"}
ONE = Expected(
    "classify@dpo1",
    TAGS,
    {"classify.seeds": [0]},
    {"f1_macro": 0.5},
    series={"history": [{"step": 3, "loss": 0.5}]},
    inputs={Path("data/synthetic/dpo1/reports.parquet"): "0" * 32},
)
STEP = Figures("dpo1", {"f1_macro/size_250/top_10": 0.5, "f1_macro": 0.5}, round=1)


def synchronise(tracker: Tracker, expected: list[Expected]) -> Synced:
    return bring_up_to_date(tracker, tracker.family(STATE), expected, [STEP])


def test_a_fresh_clone_shows_what_is_versioned(tracker: Tracker, shown: Shown) -> None:
    adapter = Path("models/dpo1")
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    done = synchronise(tracker, [replace(ONE, adapter=adapter)])
    assert (done.sent, done.rebuilt, done.unchanged) == (0, ["classify@dpo1"], 0)
    [run] = shown("classify@dpo1")
    assert run.data.metrics["f1_macro"] == 0.5
    assert run.data.metrics["history/loss"] == 0.5
    assert run.data.tags["rebuilt"] and run.data.tags["profile"] == "embedded"
    assert run.inputs.dataset_inputs[0].dataset.digest == "0" * 32  # the file need not be here
    assert connect(tracker.store)[0].list_artifacts(run.info.run_id)[0].path == "adapter"
    [step] = shown("dpo1")
    assert step.data.metrics == STEP.values


def test_doing_it_twice_changes_nothing(tracker: Tracker, shown: Shown) -> None:
    synchronise(tracker, [ONE])
    [before] = shown("classify@dpo1")
    done = synchronise(tracker, [ONE])
    assert (done.rebuilt, done.unchanged) == ([], 1)
    assert [run.info.run_id for run in shown("classify@dpo1")] == [before.info.run_id]


@pytest.mark.parametrize("metrics", [{"f1_macro": 0.51}, {"map": 0.5}])
def test_what_differs_from_the_files_is_recorded_anew(
    tracker: Tracker, shown: Shown, metrics: dict[str, float]
) -> None:
    synchronise(tracker, [ONE])
    assert synchronise(tracker, [replace(ONE, metrics=metrics)]).rebuilt == ["classify@dpo1"]
    assert shown("classify@dpo1")[0].data.metrics.items() >= metrics.items()


def test_what_the_stage_itself_recorded_is_left_alone(tracker: Tracker, shown: Shown) -> None:
    with tracker.run(ONE.name, TAGS, {}) as run:
        run.log_metrics({**ONE.metrics, "run/seconds": 9.0})
    done = synchronise(tracker, [ONE])
    assert (done.sent, done.rebuilt, done.unchanged) == (1, [], 1)
    assert shown("classify@dpo1")[0].data.metrics["run/seconds"] == 9.0


def test_a_summary_that_was_deleted_comes_back(tracker: Tracker, shown: Shown) -> None:
    synchronise(tracker, [ONE])
    connect(tracker.store)[0].delete_run(shown("dpo1")[0].info.run_id)
    done = synchronise(tracker, [ONE])
    assert (done.rebuilt, done.summaries) == ([], ["dpo1"])
    assert len(shown("dpo1", "tags.kind = 'summary'")) == 1 and len(shown("classify@dpo1")) == 1


def test_a_finished_run_of_another_variant_is_not_deleted(tracker: Tracker, shown: Shown) -> None:
    """The same parameters of the stage, other inputs: A, then B, then A again."""
    other = replace(ONE, metrics={"f1_macro": 0.9})
    for one in (ONE, other):
        with tracker.run(one.name, TAGS, {}) as run:
            run.log_metrics(one.metrics)
    before = [run.info.run_id for run in shown("classify@dpo1")]
    done = synchronise(tracker, [ONE])
    assert (done.rebuilt, done.unchanged) == ([], 1)  # the finished run of A is there
    assert [run.info.run_id for run in shown("classify@dpo1")] == before and len(before) == 2


def test_a_failed_run_does_not_count(tracker: Tracker) -> None:
    with pytest.raises(RuntimeError), tracker.run(ONE.name, TAGS, {}) as run:
        run.log_metrics(ONE.metrics)
        raise RuntimeError
    assert synchronise(tracker, [ONE]).rebuilt == ["classify@dpo1"]


def test_private_inputs_are_refused_here_too(tracker: Tracker) -> None:
    inputs = {Path("data/private/train.parquet"): "0" * 32}
    with pytest.raises(ValueError, match="private side"):
        synchronise(tracker, [replace(ONE, inputs=inputs)])


def test_a_server_that_is_still_down_is_told(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = replace(tracker.store, uri="http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        synchronise(Tracker(store, "embedded"), [ONE])


def test_details_that_no_headline_tells_make_another_run(tracker: Tracker, shown: Shown) -> None:
    """A run is known by its metrics file, of which it shows a part."""
    file = Path("metrics/classify/dpo1.json")
    file.parent.mkdir(parents=True)
    one = replace(ONE, metrics_file=file)
    file.write_text('{"detail": 1}')
    assert synchronise(tracker, [one]).rebuilt == ["classify@dpo1"]
    assert synchronise(tracker, [one]).rebuilt == []  # negative control
    file.write_text('{"detail": 2}')
    assert synchronise(tracker, [one]).rebuilt == ["classify@dpo1"]
    assert len(shown("classify@dpo1")) == 2
