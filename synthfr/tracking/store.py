"""Where runs are kept: a SQLite database under ``mlruns/``, or the server that
``MLFLOW_TRACKING_URI`` names.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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


_TRIES = 4


@dataclass(frozen=True)
class Store:
    """A tracking store, and the folder in which records wait for it."""

    folder: Path  # absolute
    uri: str
    experiment: str
    timeout_s: float

    @classmethod
    def at(cls, folder: Path, experiment: str, timeout_s: float) -> Store:
        folder = folder.resolve()
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
        return cls(folder, uri, experiment, timeout_s)

    @property
    def spool(self) -> Path:
        """Records that wait or are being written; `refused` below it holds those that MLflow will
        never take.
        """
        return self.folder / "spool"

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
        return re.sub(r"//[^/@]*@", "//", self.uri)


def unreachable(store: Store) -> str | None:
    """Why the server does not answer within ``timeout_s``, or None: it does, or the store is no
    server.
    """
    if not store.is_server:
        return None
    try:
        # without user and password, which urllib would take for a part of the host
        with urllib.request.urlopen(
            f"{store.shown_uri.rstrip('/')}/health", timeout=store.timeout_s
        ):
            return None
    except urllib.error.HTTPError:
        return None  # it answers; whether it lets us in is for MLflow to say
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return getattr(reason, "strerror", None) or str(reason)


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
    with exclusive(store.folder / ".init.lock"):
        client = MlflowClient(tracking_uri=store.uri)
        experiment = client.get_experiment_by_name(store.experiment)
        if experiment is None:
            # a server decides where its artifacts live; MLflow's default for a database would be
            # the working directory
            location = None if store.is_server else (store.folder / "artifacts").as_uri()
            return client, client.create_experiment(store.experiment, artifact_location=location)
        if experiment.lifecycle_stage == "deleted":
            client.restore_experiment(experiment.experiment_id)
        return client, experiment.experiment_id


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for it; the system frees it however the process ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def exclusive_or_none(path: Path) -> Iterator[bool]:
    """Like `exclusive` without waiting for long: yields whether the lock was free."""
    with path.open("a") as file:
        for attempt in range(_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == _TRIES - 1:
                    yield False
                    return
                time.sleep(0.05)  # it may be held for the instant in which `is_locked` looks
            else:
                yield True
                return


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock file `path`. A missing file is not locked."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
