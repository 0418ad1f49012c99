"""Where runs are kept: a SQLite database under ``mlruns/``, or the server that
``MLFLOW_TRACKING_URI`` names.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from synthfr.pipeline.tracking import database
from synthfr.pipeline.tracking.locks import exclusive
from synthfr.pipeline.tracking.shown import Shown

if TYPE_CHECKING:
    from mlflow import MlflowClient


class Settings(Protocol):
    """The `tracking` section of params.yaml."""

    @property
    def experiment(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def timeout_s(self) -> float: ...


_RUNS_A_CALL = 1000
# what MLflow shows above an experiment
_NOTE = """\
**pipeline** runs are states of the pipeline, each the parent of all that was run in it; their \
metrics are series over the rounds. **summary** runs (`step0`, `dpo1`, ...) hold the figures of \
one step each: tick several and press *Compare*. **stage** runs are named as DVC names them \
(`dpo@dpo2`): parameters, headline figures, curves, adapters, and their metrics file. **cell** \
runs, below `classify`, hold one coder each: size, top k, seed and evaluation. Nothing that \
finished is ever removed. `synth-fr sync` prints links to the views that matter.
"""


@dataclass(frozen=True)
class Store:
    """A tracking store, and the folder in which records wait for it."""

    folder: Path  # absolute
    uri: str
    experiment: str
    timeout_s: float

    @classmethod
    def at(cls, folder: Path, experiment: str, timeout_s: float) -> Store:
        folder = Path(os.path.realpath(folder))  # unlike `resolve`, never fails
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
        return cls(folder, uri, experiment, timeout_s)

    @property
    def spool(self) -> Path:
        """Records that wait or are being written; `refused` below it holds those that MLflow will
        never take.
        """
        return self.folder / "spool"

    @property
    def artifacts(self) -> Path:
        """Adapters of runs in this folder's database."""
        return self.folder / "artifacts"

    @property
    def database(self) -> Path | None:
        """The SQLite file that the runs are in; None for a server or another database."""
        prefix = "sqlite:///"
        return (
            Path(self.uri.removeprefix(prefix).partition("?")[0])
            if self.uri.startswith(prefix)
            else None
        )

    @property
    def init_lock(self) -> Path:
        """Held while MLflow opens the store, and makes or changes its tables."""
        return self.folder / ".init.lock"

    @property
    def summary_lock(self) -> Path:
        """Held by who writes summaries."""
        return self.folder / ".summary.lock"

    @property
    def recorder_lock(self) -> Path:
        """Held by the one process that sends records."""
        return self.folder / ".recorder.lock"

    @property
    def recorder_log(self) -> Path:
        return self.folder / "recorder.log"

    @property
    def is_server(self) -> bool:
        return self.uri.startswith(("http://", "https://"))

    @property
    def deferred(self) -> bool:
        """Stages leave their records in the spool, for a later `synth-fr sync`: on clusters, where
        several nodes must not write one SQLite file.
        """
        return not self.is_server and os.environ.get("SYNTHFR_RECORD") == "later"

    @property
    def shown_uri(self) -> str:
        """The address without user and password, for messages."""
        return without_password(self.uri)


def without_password(text: str) -> str:
    """An address as it may be shown."""
    return re.sub(r"//[^/@\s]*@", "//", text)


def connect(store: Store) -> tuple[MlflowClient, str]:
    """A client and the experiment's id. The first opening creates the database: one process at a
    time.

    Without the lock, parallel first openings of the SQLite store crash in its schema migration.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # not every table that it creates
    # MLflow's own seven retries of two minutes each would outlast the stage
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(max(1, round(store.timeout_s)))
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
    from mlflow import MlflowClient

    store.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(store.init_lock):
        settle_places(store)
        client = MlflowClient(tracking_uri=store.uri)
        experiment = client.get_experiment_by_name(store.experiment)
        if experiment is None:
            # a server decides where its artifacts live; MLflow's default for a database would be
            # the working directory
            location = None if store.is_server else store.artifacts.as_uri()
            made = client.create_experiment(store.experiment, artifact_location=location)
            client.set_experiment_tag(made, "mlflow.note.content", _NOTE)
            return client, made
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        if "mlflow.note.content" not in experiment.tags:  # what a user wrote there stays
            client.set_experiment_tag(experiment.experiment_id, "mlflow.note.content", _NOTE)
        return client, experiment.experiment_id


def shown_runs(store: Store) -> list[Shown]:
    """The active runs of the experiment, newest first. A database is read as a file, which takes no
    time; a server is asked.
    """
    if store.database is not None:
        return database.runs(store.database, store.experiment)
    client, experiment_id = connect(store)
    found: list[Shown] = []
    page: str | None = None
    while True:
        runs = client.search_runs([experiment_id], max_results=_RUNS_A_CALL, page_token=page)
        for run in runs:
            info, data = run.info, run.data
            about = (info.run_id, info.experiment_id, info.run_name, info.status)
            found.append(Shown(*about, data.tags, data.metrics))
        page = runs.token
        if not page:
            return found


def shown_series(store: Store, run_id: str) -> dict[str, dict[int, float]]:
    """The curves of a run: metric, step and the value that was written there last."""
    if store.database is not None:
        return database.series(store.database, run_id)
    client, _ = connect(store)
    found = {}
    for name in client.get_run(run_id).data.metrics:
        history = sorted(client.get_metric_history(run_id, name), key=lambda one: one.timestamp)
        found[name] = {one.step: one.value for one in history}
    return found


def settle_places(store: Store) -> None:
    """Artifacts of this folder's own database lie in this folder, wherever it was copied or moved
    to.
    """
    own = store.folder / "mlflow.db"
    if store.database == own:
        database.move_places(own, store.folder)
