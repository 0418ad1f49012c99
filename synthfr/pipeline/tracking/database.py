"""MLflow's SQLite file, looked at without MLflow, whose import and opening take seconds.

What is wrong with it, what it shows, where it says that artifacts lie. Tables and columns are those
of the locked MLflow; a schema that the installed MLflow does not work with is reported as such.
"""

from __future__ import annotations

import importlib.util
import math
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from synthfr.pipeline.tracking.shown import Shown

ANEW = "move it away, and `synth-fr sync` makes a new one from metrics/"
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PATIENCE_S = 20.0  # for MLflow's own transactions
_GLANCE_S = 1.0  # the same, for a stage that only looks
# what may name a place in the folder of the store
_PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
)


def trouble(path: Path, thorough: bool = False) -> str | None:
    """Why MLflow could not use the file, with the remedy, or None. A missing or empty one is well:
    MLflow makes it.

    Tries what a writer needs and takes it back: some milliseconds. `thorough` reads every page too.
    """
    try:
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            return None
        with _opened(path, "rw", _GLANCE_S) as database:
            # a transaction alone begins on a read-only file as well
            database.execute("BEGIN IMMEDIATE")
            [(version,)] = database.execute("PRAGMA user_version")
            database.execute(f"PRAGMA user_version = {version + 1}")
            database.execute("ROLLBACK")
            if thorough:
                [(verdict,)] = database.execute("PRAGMA quick_check(1)")
                if verdict != "ok":
                    return f"{path} is corrupt ({' '.join(verdict.split())}): {ANEW}"
            return _other_schema(path, database)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _LOCKED:
            return None  # somebody is writing: so it can be written to
        if code in _CORRUPT:
            return f"{path} is corrupt ({error}): {ANEW}"
        if code == sqlite3.SQLITE_FULL:
            return f"{path} cannot grow ({error}): free some space"
        return f"{path} cannot be used ({error}): make it a file that you may write to, or {ANEW}"
    except OSError as error:
        why = error.strerror or error
        return f"{path} cannot be used ({why}): make it a file that you may write to"


def _other_schema(path: Path, database: sqlite3.Connection) -> str | None:
    tables = _tables(database)
    if not tables:
        return None
    if "alembic_version" not in tables:
        return f"{path} is no database of MLflow: {ANEW}"
    version = next((row[0] for row in database.execute("SELECT * FROM alembic_version")), "none")
    known, newest = _schemas()
    if not known or version == newest:
        return None
    if version in known:
        return (
            f"{path} was made by an older MLflow (schema {version}): "
            f"`mlflow db upgrade sqlite:///{path}` raises it, or {ANEW}"
        )
    return (
        f"{path} was made by another MLflow than the installed one (schema {version}): "
        f"`make install` brings the locked version; or {ANEW}"
    )


@cache
def _schemas() -> tuple[frozenset[str], str | None]:
    """Schema versions that the installed MLflow knows, and its own, read from its migrations."""
    found = importlib.util.find_spec("mlflow")  # finds the package without importing it
    if found is None or found.origin is None:
        return frozenset(), None
    successors = {}
    for file in (Path(found.origin).parent / "store/db_migrations/versions").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        named = dict(re.findall(r"^(revision|down_revision)\b[^=]*= *[\"'](\w+)", text, re.M))
        if "revision" in named:
            successors[named["revision"]] = named.get("down_revision")
    last = successors.keys() - set(successors.values())
    return frozenset(successors), last.pop() if len(last) == 1 else None


def runs(path: Path, experiment: str) -> list[Shown]:
    """The active runs of an experiment, newest first; none without a database."""
    if not path.is_file():
        return []
    with _opened(path, "ro") as database:
        if "runs" not in _tables(database):
            return []
        these = (
            "FROM runs JOIN experiments USING (experiment_id) {} "
            "WHERE experiments.name = ? AND runs.lifecycle_stage = 'active' {}"
        )

        def rows(columns: str, join: str = "", order: str = "") -> sqlite3.Cursor:
            query = f"SELECT {columns} {these.format(join, order)}"
            return database.execute(query, [experiment])

        tags: dict[str, dict[str, str]] = defaultdict(dict)
        for run, key, value in rows("run_uuid, key, value", "JOIN tags USING (run_uuid)"):
            tags[run][key] = value
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for run, key, value, is_nan in rows(
            "run_uuid, key, value, is_nan", "JOIN latest_metrics USING (run_uuid)"
        ):
            metrics[run][key] = math.nan if is_nan else value
        found = rows(
            "run_uuid, experiment_id, runs.name, status",
            order="ORDER BY start_time DESC, run_uuid",
        )
        return [
            Shown(run, str(experiment_id), name, status, tags[run], metrics[run])
            for run, experiment_id, name, status in found
        ]


def series(path: Path, run_id: str) -> dict[str, dict[int, float]]:
    """The curves of a run: metric, step and the value that was written there last."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    with _opened(path, "ro") as database:
        points = database.execute(
            "SELECT key, step, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp",
            [run_id],
        )
        for key, step, value, is_nan in points:
            found[key][step] = math.nan if is_nan else value
    return dict(found)


def move_places(path: Path, folder: Path) -> None:
    """Make the database at `path` look for its artifacts in `folder`, the one that it lies in.

    MLflow writes absolute places down when it makes an experiment and a run, so a checkout that was
    copied or moved would go on writing to, and reading from, where it was made. Places elsewhere,
    chosen by somebody, are left alone.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return
    end = f"/{folder.name}/artifacts"
    here = folder.as_uri()
    with _opened(path, "ro") as database:
        if "experiments" not in _tables(database):
            return
        found = {row[0] for row in database.execute("SELECT artifact_location FROM experiments")}
    former = {
        place.removesuffix("/artifacts")
        for place in found
        if place and place.startswith("file:///") and place.endswith(end)
    } - {here}
    if not former:
        return
    with _opened(path, "rw") as database:
        database.execute("BEGIN IMMEDIATE")
        for there in former:
            # MLflow's first, empty experiment is named by path, not by address
            for old, new in ((there, here), (unquote(urlsplit(there).path), str(folder))):
                for table, column in _PLACES:
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, len(old) + 1, f"{old}/"),
                    )
        database.execute("COMMIT")


def _tables(database: sqlite3.Connection) -> set[str]:
    return {
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }


@contextmanager
def _opened(path: Path, mode: str, patience_s: float = _PATIENCE_S) -> Iterator[sqlite3.Connection]:
    """The existing file, in the mode ``ro`` or ``rw``; what is not committed is rolled back."""
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(
        sqlite3.connect(address, uri=True, timeout=patience_s, isolation_level=None)
    ) as database:
        yield database
