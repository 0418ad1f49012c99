"""Where runs are kept: a SQLite database under ``mlruns/``, or the server that
``MLFLOW_TRACKING_URI`` names.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from synthfr.errors import UserError
from synthfr.pipeline.tracking import database
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


_TRIES = 4
_RUNS_A_CALL = 1000
# what MLflow shows above an experiment
_NOTE = """\
**pipeline** runs are states of the pipeline, each the parent of all that was run in it; their \
metrics are series over the rounds. **summary** runs (`step0`, `dpo1`, ...) hold the figures of \
one step each: tick several and press *Compare*. **stage** runs are named as DVC names them \
(`dpo@dpo2`): parameters, headline figures, curves, adapters, and their metrics file. Nothing that \
finished is ever removed. `synth-fr sync` prints links to the views that matter.
"""
_ROOM_BYTES = 1 << 18  # what a run may take in the database
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
        return _without_password(self.uri)


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)


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


def trouble(store: Store, thorough: bool = False) -> str | None:
    """Why runs could not be recorded in the store now, with the remedy, or None. Never raises.

    Takes some milliseconds for a database; a server has ``timeout_s`` to answer. `thorough` also
    reads every page of the database.
    """
    if (why := unusable_place(store)) is not None:
        return why
    if (why := unreachable(store)) is not None:
        return f"{store.shown_uri} does not answer ({why}): start it, or unset MLFLOW_TRACKING_URI"
    if store.database is None or (why := database.trouble(store.database, thorough)) is None:
        return None
    if is_locked(store.init_lock):
        return None  # MLflow is making its tables: who is waiting for it will see the outcome
    return database.trouble(store.database, thorough)  # it may just have ended


def unusable_place(store: Store) -> str | None:
    """What is wrong with the folder, its spool and its locks, with the remedy, or None."""
    folders = {store.folder: _ROOM_BYTES, store.spool: 1}
    if not store.is_server:
        folders[store.artifacts] = 1
    for folder, room_bytes in folders.items():
        if (why := unwritable(folder, room_bytes)) is not None:
            return why
    files = (store.init_lock, store.summary_lock, store.recorder_lock, store.recorder_log)
    for file in files:
        try:
            if file.exists():
                file.open("ab").close()
        except OSError as error:
            return unusable(file, error, "file")
    return None


def unwritable(folder: Path, room_bytes: int = 1) -> str | None:
    """Why no file can be made in the folder, or in the one where it would be made, or None.

    Really tries: what access bits say is not so on a read-only or full disk, nor for root.
    """
    place = folder
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        with tempfile.TemporaryFile(dir=place, buffering=0) as file:
            write_all(file, bytes(room_bytes))
    except OSError as error:
        return unusable(folder, error)
    return None


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write to a file without a buffer, which takes a part of it while the disk fills up."""
    while data:
        data = data[file.write(data) :]


def unusable(place: Path, error: OSError, kind: str = "folder") -> str:
    """What is wrong with a folder or file of the store, and the remedy."""
    remedy = (
        "free some space" if error.errno in _NO_SPACE else f"make it a {kind} that you may write to"
    )
    return f"{place} cannot be used ({error.strerror or error}): {remedy}"


@contextmanager
def told(store: Store) -> Iterator[None]:
    """An error of the store becomes a UserError: what, where, how to mend. Others pass."""
    try:
        yield
    except Exception as error:
        if not is_the_stores(error):
            raise
        raise UserError(f"MLflow: {reason(store, error)}.") from error


def is_the_stores(error: Exception) -> bool:
    """Whether it comes from MLflow, from its database or from the file system."""
    whose = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError) or whose in {"mlflow", "sqlalchemy", "alembic", "sqlite3"}


def reason(store: Store, error: Exception) -> str:
    """What an error of the store means: what is wrong with the store, or else its first line."""
    first = _without_password(next(iter(str(error).splitlines()), ""))
    return trouble(store, thorough=True) or (
        f"{store.shown_uri} cannot be used ({type(error).__name__}: {first}): "
        "`synth-fr doctor` looks closer"
    )


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
