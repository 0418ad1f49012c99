"""The writing side: what a record holds, and that tracking can never fail a stage."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthfr.pipeline.tracking import Tracker, open_tracker
from synthfr.pipeline.tracking.store import Store
from synthfr.pipeline.tracking.summary_figures import metric_name
from synthfr.pipeline.tracking.wall import refuse_private
from tests.tracking.conftest import SETTINGS


def events(tracker: Tracker) -> list[dict[str, Any]]:
    [record] = tracker.store.spool.glob("*.jsonl")
    return [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]


def test_a_record_says_what_was_logged_and_when_it_ended(tracker: Tracker) -> None:
    with tracker.run("dpo@dpo2", {"params_digest": "abc"}, {"dpo.beta": 0.1}) as run:
        run.log_metrics({"size=250/top_k=10": 0.5})
        run.log_series([{"step": 5, "loss": 0.7, "phase": "train", "eval_loss": None}])
    start, metrics, series, end = events(tracker)
    assert (start["name"], start["params"]) == ("dpo@dpo2", {"dpo.beta": "0.1"})
    assert start["tags"]["profile"] == "embedded"
    assert metrics["metrics"] == {"size_250/top_k_10": 0.5}
    assert series["rows"] == [{"step": 5.0, "loss": 0.7}]
    assert end["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("uri", "woken"), [(None, 0), ("http://127.0.0.1:9", 1)], ids=["sqlite", "server"]
)
def test_on_a_cluster_a_record_waits_unless_there_is_a_server(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, uri: str | None, woken: int
) -> None:
    calls: list[Store] = []
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.wake_recorder", calls.append)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.trouble", lambda store: None)
    store = tracker.store if uri is None else replace(tracker.store, uri=uri)
    monkeypatch.setenv("SYNTHFR_RECORD", "later")
    with Tracker(store, "p").run("sft", {}, {}):
        pass
    assert len(calls) == woken
    assert events(tracker)[-1]["status"] == "FINISHED"
    # negative control: elsewhere the database is told at once
    monkeypatch.delenv("SYNTHFR_RECORD")
    with Tracker(store, "p").run("sft", {}, {}):
        pass
    assert len(calls) == woken + 1


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("x"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_stage_that_stops_is_not_called_finished(
    tracker: Tracker, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), tracker.run("sft", {}, {}):
        raise error
    assert events(tracker)[-1]["status"] == status


def test_infinite_numbers_become_what_mlflow_can_store(tracker: Tracker) -> None:
    with tracker.run("sft", {}, {}) as run:
        run.log_metrics({"up": math.inf, "down": -math.inf, "unknown": math.nan})
    logged = events(tracker)[1]["metrics"]
    assert logged["up"] == sys.float_info.max == -logged["down"]
    assert math.isnan(logged["unknown"])


def test_metric_names_keep_what_mlflow_allows() -> None:
    assert metric_name("size=250/top_k=10/recall (%)") == "size_250/top_k_10/recall ___"
    assert metric_name("a/b.c-d e:f_1") == "a/b.c-d e:f_1"


def test_writing_never_imports_mlflow(tmp_path: Path) -> None:
    code = (
        "import sys; from synthfr.pipeline.tracking import open_tracker; "
        "import synthfr.pipeline.tracking.recorder; "
        "assert not {'mlflow', 'numpy', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_store_that_cannot_be_used_costs_one_warning_not_the_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlruns").write_text("a file where the folder should be")
    with open_tracker(SETTINGS, tmp_path / "mlruns").run("sft", {}, {}) as run:
        run.log_metrics({"loss": 1.0})
        run.log_series([{"loss": 1.0}])
    [warning] = capsys.readouterr().err.splitlines()
    assert warning.startswith("tracking: ") and "cannot be used" in warning


def test_a_server_that_is_down_costs_one_warning_and_no_time(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")  # discard: closed
    started = time.monotonic()
    with open_tracker(SETTINGS, Path("mlruns")).run("sft", {}, {}) as run:
        run.log_metrics({"loss": 1.0})
    assert time.monotonic() - started < 2
    [warning] = capsys.readouterr().err.splitlines()
    assert "http://127.0.0.1:9 does not answer (Connection refused)" in warning
    assert "synth-fr sync" in warning and "secret" not in warning
    assert events(tracker)[-1]["status"] == "FINISHED"  # kept, whole


class TestWall:
    """Nothing under data/private is given to MLflow, however it is spelt."""

    @pytest.fixture(autouse=True)
    def corpus(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for side in ("public", "private"):
            (tmp_path / "data" / side).mkdir(parents=True)
            (tmp_path / "data" / side / "train.parquet").write_bytes(b"report")
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "link").symlink_to(tmp_path / "data/private/train.parquet")
        (tmp_path / "data" / "private" / "cached").symlink_to(tmp_path / "data/public")

    @pytest.mark.parametrize(
        "path",
        [
            "data/private/train.parquet",
            "data/private",
            "data",
            "data/public/../private/train.parquet",
            "elsewhere/link",
            "elsewhere",
            "data/private/cached/train.parquet",
        ],
    )
    def test_refused(self, path: str, tracker: Tracker) -> None:
        with pytest.raises(ValueError, match="private side"):
            refuse_private(Path(path))
        with tracker.run("score@dpo1", {}, {}) as run:
            with pytest.raises(ValueError, match="private side"):
                run.log_input(Path(path), "reports")
            with pytest.raises(ValueError, match="private side"):
                run.log_artifacts(Path(path), "adapter")
        assert "private" not in json.dumps(events(tracker))

    @pytest.mark.parametrize("path", ["data/public/train.parquet", "data/public"])
    def test_public_data_is_not(self, path: str) -> None:
        refuse_private(Path(path))
