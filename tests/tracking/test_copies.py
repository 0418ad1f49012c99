"""A checkout that was copied or moved, its store included, keeps its artifacts to itself."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient

from synthfr.pipeline.tracking import Tracker, database, open_tracker, recorder
from synthfr.pipeline.tracking.store import connect, shown_runs
from tests.tracking.conftest import SETTINGS


def execute(checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    """A stage's run with an adapter, which waits in the checkout's own spool."""
    monkeypatch.chdir(checkout)
    adapter = Path("models") / name
    adapter.mkdir(parents=True, exist_ok=True)
    (adapter / "adapter_config.json").write_text(f'"{name}"')
    tracker = open_tracker(SETTINGS, Path("mlruns"))
    with tracker.run(name, {"params_digest": name}, {}) as run:
        run.log_artifacts(adapter, "adapter")
    return tracker


def log_adapter(checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, given to MLflow; the run's id."""
    tracker = execute(checkout, name, monkeypatch)
    recorder.drain(tracker.store)
    [shown] = [one for one in shown_runs(tracker.store) if one.name == name]
    return shown.run_id


def read_adapter(checkout: Path, run_id: str) -> str:
    client, _ = connect(open_tracker(SETTINGS, checkout / "mlruns").store)
    [file] = client.list_artifacts(run_id, "adapter")
    return Path(client.download_artifacts(run_id, file.path)).read_text()


def files(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def checkout(tracker: Tracker, tmp_path: Path) -> Path:
    """A checkout with a store in it."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    (tmp_path / "mlruns").rename(folder / "mlruns")
    return folder


@pytest.mark.slow
def test_a_copy_writes_and_reads_its_own(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log_adapter(checkout, "step0", monkeypatch)
    copy = tmp_path / "elsewhere" / "copy, é"
    shutil.copytree(checkout, copy)
    before = files(checkout)
    second = log_adapter(copy, "dpo1", monkeypatch)
    assert (copy / f"mlruns/artifacts/{second}/artifacts/adapter/adapter_config.json").is_file()
    assert files(checkout) == before
    shutil.rmtree(checkout)
    assert read_adapter(copy, first) == '"step0"'
    assert read_adapter(copy, second) == '"dpo1"'


def test_control_without_moving_the_places_a_copy_writes_to_the_original(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_adapter(checkout, "step0", monkeypatch)
    shutil.copytree(checkout, tmp_path / "copy")
    before = files(checkout)
    monkeypatch.setattr("synthfr.pipeline.tracking.store.settle_places", lambda store: None)
    second = log_adapter(tmp_path / "copy", "dpo1", monkeypatch)
    assert [name for name in files(checkout).keys() - before.keys() if second in name]


def test_the_original_is_still_itself_after_a_copy_was_used(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = log_adapter(checkout, "step0", monkeypatch)
    shutil.copytree(checkout, tmp_path / "copy")
    log_adapter(tmp_path / "copy", "dpo1", monkeypatch)
    shutil.rmtree(tmp_path / "copy")
    second = log_adapter(checkout, "dpo2", monkeypatch)
    assert read_adapter(checkout, first) == '"step0"'
    assert read_adapter(checkout, second) == '"dpo2"'


def test_what_waits_in_the_spool_is_found_after_a_move(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(checkout, "step0", monkeypatch)
    moved = checkout.rename(tmp_path / "moved")
    store = open_tracker(SETTINGS, moved / "mlruns").store
    assert recorder.drain(store) == 1
    [run] = shown_runs(store)
    assert read_adapter(moved, run.run_id) == '"step0"'


def test_all_of_the_store_moves_and_what_lies_elsewhere_stays(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_adapter(checkout, "step0", monkeypatch)
    chosen = (tmp_path / "big" / "artifacts").as_uri()
    client = MlflowClient(f"sqlite:///{checkout}/mlruns/mlflow.db")
    own = client.create_experiment("of a user", artifact_location=chosen)
    client.create_run(own)
    client.create_experiment("former name", (checkout / "mlruns/artifacts").as_uri())
    moved = checkout.rename(tmp_path / "moved")
    path = moved / "mlruns" / "mlflow.db"
    database.move_places(path, moved / "mlruns")
    with sqlite3.connect(path) as opened:
        experiments = dict(opened.execute("SELECT name, artifact_location FROM experiments"))
        runs = [row[0] for row in opened.execute("SELECT artifact_uri FROM runs")]
    here = (moved / "mlruns" / "artifacts").as_uri()
    assert experiments["of a user"] == chosen
    assert experiments["synth-fr"] == experiments["former name"] == here
    assert sorted(uri.startswith(f"{chosen}/") for uri in runs) == [False, True]
    assert sum(uri.startswith(f"{here}/") for uri in runs) == 1
    before = path.stat().st_mtime_ns
    database.move_places(path, moved / "mlruns")  # a second time there is nothing to write
    assert path.stat().st_mtime_ns == before


def test_a_database_that_several_checkouts_share_is_left_alone(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_adapter(checkout, "step0", monkeypatch)
    shared = checkout / "mlruns" / "mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared}")
    before = shared.read_bytes()
    other = tmp_path / "other" / "mlruns"
    other.mkdir(parents=True)
    connect(open_tracker(SETTINGS, other).store)
    assert shared.read_bytes() == before
