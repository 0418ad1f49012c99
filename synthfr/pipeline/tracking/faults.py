"""What can be wrong with the store, and how to mend it, in one clear sentence."""

from __future__ import annotations

import errno
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from synthfr.errors import UserError
from synthfr.pipeline.tracking import database
from synthfr.pipeline.tracking.locks import is_locked
from synthfr.pipeline.tracking.store import Store, without_password

_ROOM_BYTES = 1 << 18  # what a run may take in the database
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
def as_user_errors(store: Store) -> Iterator[None]:
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
    first = without_password(next(iter(str(error).splitlines()), ""))
    return trouble(store, thorough=True) or (
        f"{store.shown_uri} cannot be used ({type(error).__name__}: {first}): "
        "`synth-fr doctor` looks closer"
    )
