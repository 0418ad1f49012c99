"""The sending side: what MLflow shows of a record, once, whatever is killed and whenever."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from synthfr.pipeline.tracking import Run, Tracker, open_tracker, recorder
from synthfr.pipeline.tracking.locks import exclusive, exclusive_or_none, is_locked
from synthfr.pipeline.tracking.store import Store, connect
from tests.tracking.conftest import OTHER_STATE, SETTINGS, STATE

MLRUNS = Path("mlruns")
Shown = Callable[..., list[Any]]
IDENTITY = {"stage": "dpo", "step": "dpo2", "params_digest": "abc"}


def test_mlflow_shows_everything_that_was_logged(tracker: Tracker, shown: Shown) -> None:
    adapter = Path("models/dpo2")
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    pairs = Path("pairs.parquet")
    pairs.write_bytes(b"some bytes")
    with tracker.run("dpo@dpo2", IDENTITY, {"dpo.beta": 0.1, "dpo.loss_type": ["sft"]}) as run:
        run.log_metrics({"margin": 0.25, "n=3": 3})
        run.log_series([{"step": 5, "loss": 0.7}, {"step": 10, "loss": 0.6}])
        run.log_input(pairs, "pairs")
        run.log_artifacts(adapter, "adapter")
    [run_shown] = shown("dpo@dpo2")
    assert run_shown.info.status == "FINISHED"
    assert run_shown.info.end_time >= run_shown.info.start_time
    assert run_shown.data.metrics == {"margin": 0.25, "n_3": 3.0, "history/loss": 0.6}
    assert run_shown.data.params == {"dpo.beta": "0.1", "dpo.loss_type": '["sft"]'}
    assert IDENTITY.items() <= run_shown.data.tags.items()
    [data] = run_shown.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == (
        "pairs",
        hashlib.md5(b"some bytes").hexdigest(),
    )
    client, _ = connect(tracker.store)
    curve = client.get_metric_history(run_shown.info.run_id, "history/loss")
    assert [(point.step, point.value) for point in curve] == [(5, 0.7), (10, 0.6)]
    [artifact] = client.list_artifacts(run_shown.info.run_id, "adapter")
    assert artifact.path == "adapter/adapter_config.json"
    assert not list(tracker.store.spool.glob("*.jsonl"))


def test_recipes_that_share_a_recorder_keep_their_own_experiments(
    tracker: Tracker, shown: Shown
) -> None:
    other = open_tracker(SimpleNamespace(**{**vars(SETTINGS), "experiment": "other"}), MLRUNS)
    for one, loss in ((tracker, 0.5), (other, 0.7)):
        with one.run("sft", IDENTITY, {}) as run:
            run.log_metrics({"loss": loss})
    [first] = shown("sft")  # a recorder of the first experiment sends both
    assert first.data.metrics == {"loss": 0.5}
    client, experiment_id = connect(other.store)
    [second] = client.search_runs([experiment_id])
    assert second.data.metrics == {"loss": 0.7}
    assert experiment_id != first.info.experiment_id


def execute(tracker: Tracker, loss: float, digest: str = "abc", fail: bool = False) -> None:
    try:
        with tracker.run("sft", {"params_digest": digest}, {"sft.epochs": digest}) as run:
            run.log_metrics({"loss": loss})
            if fail:
                raise RuntimeError
    except RuntimeError:
        pass


def losses(runs: list[Any]) -> list[float]:
    return [run.data.metrics["loss"] for run in runs]


def test_what_a_stage_finished_stays_beside_its_next_run(tracker: Tracker, shown: Shown) -> None:
    """Other inputs with the same parameters are another variant, which one may go back to."""
    execute(tracker, 1.0)
    execute(tracker, 2.0)
    assert losses(shown("sft")) == [2.0, 1.0]


def test_a_success_replaces_the_failures_before_it(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, 1.0)
    execute(tracker, 2.0, fail=True)
    execute(tracker, 3.0)
    assert losses(shown("sft")) == [3.0, 1.0]


@pytest.mark.parametrize(("loss", "left"), [(1.0, [1.0]), (2.0, [2.0, 1.0])])
def test_a_run_rebuilt_from_files_gives_way_to_the_real_one(
    tracker: Tracker, shown: Shown, loss: float, left: list[float]
) -> None:
    """If both come from the same metrics file."""
    rebuilt = tracker.begin("sft", {"params_digest": "abc", "rebuilt": "yes"}, {}, wake=False)
    log(rebuilt, 1.0)
    rebuilt.log_series([{"step": 1, "accuracy": 0.5}])
    rebuilt.end("FINISHED")
    assert losses(shown("sft")) == [1.0]
    with tracker.run("sft", {"params_digest": "abc"}, {}) as run:
        log(run, loss)
    assert losses(shown("sft")) == left
    assert "rebuilt" not in shown("sft")[0].data.tags


def test_but_not_to_that_of_another_family(tracker: Tracker, shown: Shown) -> None:
    """A stage that runs again may measure the same; the other state keeps its run of it."""
    tags = {"params_digest": "abc", "rebuilt": "yes"}
    rebuilt = tracker.begin("sft", tags, {}, tracker.family(STATE), wake=False)
    log(rebuilt, 1.0)
    rebuilt.end("FINISHED")
    with tracker.run("sft", {"params_digest": "abc"}, {}, OTHER_STATE) as run:
        log(run, 1.0)
    assert len(shown("sft")) == 2
    with tracker.run("sft", {"params_digest": "abc"}, {}, STATE) as run:
        log(run, 1.0)
    assert ["rebuilt" in one.data.tags for one in shown("sft")] == [False, False]  # control


def log(run: Run, loss: float) -> None:
    metrics = Path("metrics/sft.json")
    metrics.parent.mkdir(exist_ok=True)
    metrics.write_text(json.dumps({"loss": loss}))
    run.log_headlines("sft", {"loss": loss})
    run.log_file(metrics, "metrics")


def test_a_run_carries_its_metrics_file(tracker: Tracker, shown: Shown) -> None:
    with tracker.run("sft", {}, {}) as run:
        log(run, 0.5)
    [one] = shown("sft")
    client, _ = connect(tracker.store)
    [artifact] = client.list_artifacts(one.info.run_id, "metrics")
    file = Path(client.download_artifacts(one.info.run_id, artifact.path))
    assert json.loads(file.read_text()) == {"loss": 0.5}
    md5 = hashlib.md5(Path("metrics/sft.json").read_bytes()).hexdigest()
    assert one.data.tags["metrics_md5"] == md5


def test_a_metrics_file_that_changed_since_is_left_out(tracker: Tracker, shown: Shown) -> None:
    with tracker.run("sft", {}, {}) as run:
        log(run, 0.5)
    Path("metrics/sft.json").write_text("{}")
    [one] = shown("sft")
    client, _ = connect(tracker.store)
    assert client.list_artifacts(one.info.run_id, "metrics") == []
    assert one.data.tags["metrics_md5"] != hashlib.md5(b"{}").hexdigest()


def test_a_damaged_record_is_put_aside_and_stops_no_other(
    tracker: Tracker, shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(tracker, 1.0)
    [record] = tracker.store.spool.glob("*.jsonl")
    record.with_name("1-2-3.jsonl").write_bytes(record.read_bytes()[:40] + b"\x00\x00\n")
    assert losses(shown("sft")) == [1.0]
    assert [path.name for path in (tracker.store.spool / "refused").iterdir()] == ["1-2-3.jsonl"]
    assert "1-2-3.jsonl is put aside in spool/refused: it is damaged" in capsys.readouterr().err


def test_other_parameters_make_another_run(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, 1.0)
    execute(tracker, 2.0, digest="other")
    assert losses(shown("sft")) == [2.0, 1.0]


def test_a_failure_replaces_failures_but_no_success(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, 1.0)
    execute(tracker, 2.0, fail=True)
    execute(tracker, 3.0, fail=True)
    assert losses(shown("sft", "attributes.status = 'FAILED'")) == [3.0]
    assert losses(shown("sft", "attributes.status = 'FINISHED'")) == [1.0]


def test_a_killed_stage_is_shown_as_killed(tracker: Tracker, shown: Shown) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from types import SimpleNamespace
        from synthfr.pipeline.tracking import open_tracker, spool
        spool.wake_recorder = lambda store: None
        settings = SimpleNamespace(experiment="synth-fr", profile="embedded", timeout_s=1)
        with open_tracker(settings, Path("mlruns")).run("sft", {}, {}) as run:
            run.log_metrics({"loss": 1.0})
            print("ready", flush=True)
            time.sleep(60)
    """
    root = str(Path(recorder.__file__).parents[3])
    stage = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert stage.stdout is not None and stage.stdout.readline() == b"ready\n"
    [run] = shown("sft") or [None]
    assert run is not None and run.info.status == "RUNNING"  # the writer lives: shown as it goes
    assert losses([run]) == [1.0]
    stage.send_signal(signal.SIGKILL)
    stage.wait()
    [run] = shown("sft")
    assert run.info.status == "KILLED"
    assert losses([run]) == [1.0]


def test_a_recorder_that_dies_half_way_leaves_no_half_run(
    tracker: Tracker, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(tracker, 1.0)
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "set_terminated", _down)
        with pytest.raises(MlflowException):
            recorder.drain(tracker.store)
    assert len(list(tracker.store.spool.glob("*.jsonl"))) == 1
    assert losses(shown("sft")) == [1.0]


def _down(*_: Any, **__: Any) -> None:
    raise MlflowException("API request failed: connection reset")


def test_what_mlflow_will_never_take_is_put_aside(tracker: Tracker, shown: Shown) -> None:
    execute(tracker, 1.0)
    with tracker.run("base", {}, {}) as run:
        run.log_metrics({"../outside": 1.0})
    execute(tracker, 2.0, digest="other")
    assert losses(shown("sft")) == [2.0, 1.0]
    assert len(list((tracker.store.spool / "refused").iterdir())) == 1
    assert not list(tracker.store.spool.glob("*.jsonl"))


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_an_adapter_that_changed_since_is_left_out(
    tracker: Tracker, shown: Shown, change: str
) -> None:
    weights = Path("models/step0/adapter_model.safetensors")
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"old")
    with tracker.run("sft", {}, {}) as run:
        run.log_artifacts(weights.parent, "adapter")
    weights.write_bytes(b"new") if change == "edited" else weights.unlink()
    if change == "removed":
        weights.parent.rmdir()
    [run_shown] = shown("sft")
    assert "adapter_missing" in run_shown.data.tags
    assert connect(tracker.store)[0].list_artifacts(run_shown.info.run_id) == []


def test_a_second_recorder_leaves_the_spool_to_the_first(tracker: Tracker) -> None:
    execute(tracker, 1.0)
    with exclusive_or_none(tracker.store.recorder_lock) as mine:
        assert mine and recorder.drain(tracker.store) is None
    assert recorder.drain(tracker.store) == 1


def test_locks_are_seen_and_freed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_locked(lock)
    with exclusive(lock):
        assert is_locked(lock)
        with exclusive_or_none(lock) as mine:
            assert not mine
    assert not is_locked(lock)


@pytest.mark.slow
def test_four_stages_at_once_on_a_machine_that_never_ran_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parallel first openings of MLflow's database crash it; here each stage ends well, once."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    code = """
        import sys
        from pathlib import Path
        from types import SimpleNamespace
        from synthfr.pipeline.tracking import open_tracker
        settings = SimpleNamespace(experiment="synth-fr", profile="embedded", timeout_s=60)
        with open_tracker(settings, Path(sys.argv[1])).run(sys.argv[2], {}, {}) as run:
            run.log_metrics({"loss": 1.0})
    """
    folder = tmp_path / "mlruns"
    environment = os.environ | {"PYTHONPATH": str(Path(recorder.__file__).parents[3])}
    stages = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(folder), f"stage{number}"],
            env=environment,
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    assert [stage.communicate()[1] for stage in stages] == [b""] * 4
    assert [stage.returncode for stage in stages] == [0] * 4
    store = Store.at(folder, "synth-fr", 60)
    assert is_locked(store.recorder_lock)  # it stays for the next stage
    client, experiment_id = connect(store)
    names = sorted(run.info.run_name for run in client.search_runs([experiment_id]))
    assert names == [f"stage{number}" for number in range(4)]
    store.spool.rmdir()  # it leaves when its folder is gone
    deadline = time.monotonic() + 10
    while is_locked(store.recorder_lock) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_locked(store.recorder_lock)
