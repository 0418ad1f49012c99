"""A tracking store per test: a copy of one database, which takes MLflow seconds to create."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthfr.pipeline.dvc_graph import Graph
from synthfr.pipeline.tracking import Tracker, open_tracker, recorder
from synthfr.pipeline.tracking.state import State
from synthfr.pipeline.tracking.store import connect

SETTINGS = SimpleNamespace(experiment="synth-fr", profile="embedded", timeout_s=10.0)
STATE = State(
    "0123456789abcdef", {"dpo.beta": 0.1, "rounds.dpo1": {"epochs": 2, "beta": None}}, Graph({})
)
OTHER_STATE = State(
    "fedcba9876543210", {"dpo.beta": 0.2, "rounds.dpo1": {"epochs": 2, "beta": None}}, Graph({})
)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def tracker(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    """A tracker whose records stay in the spool until the test drains it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.wake_recorder", lambda store: None)
    monkeypatch.setattr("synthfr.pipeline.tracking.spool.Run.settle", lambda run: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns" / "mlflow.db")
    return open_tracker(SETTINGS, Path("mlruns"))


@pytest.fixture
def shown(tracker: Tracker) -> Callable[..., list[Any]]:
    """Drain the spool, then what MLflow shows: the active runs of a name, newest first."""

    def runs(name: str, condition: str = "") -> list[Any]:
        recorder.drain(tracker.store)
        client, experiment_id = connect(tracker.store)
        condition = " and ".join(filter(None, (f"attributes.run_name = '{name}'", condition)))
        return list(client.search_runs([experiment_id], condition))

    return runs
