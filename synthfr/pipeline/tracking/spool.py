"""The writing side: a stage's run as a record of JSON lines. Never imports MLflow.

A record is one file, ``mlruns/spool/<time>-<process>.jsonl``, locked by its writer for as long as
the writer lives. Its lines: ``start`` (name, tags, params, tags of its family), then ``metrics``,
``series``, ``cells``, ``input``, ``artifacts``, ``file``, ``summary`` in any number, and ``end``.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from synthfr.disk import digest_tree
from synthfr.errors import UserError
from synthfr.pipeline.hashes import md5_file
from synthfr.pipeline.tracking import cells
from synthfr.pipeline.tracking.family import Family
from synthfr.pipeline.tracking.faults import trouble, unusable, unusable_place, write_all
from synthfr.pipeline.tracking.locks import is_locked
from synthfr.pipeline.tracking.shown import storable
from synthfr.pipeline.tracking.store import Store
from synthfr.pipeline.tracking.summary_figures import Figures, flat_numbers, metric_name, of_run
from synthfr.pipeline.tracking.wall import refuse_private

_POLL_S = 0.02


class Run:
    """One run under way. A store that cannot be used costs one warning, never the stage; private
    data is refused by raising.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stream: IO[bytes] | None = None
        self._path = store.spool / f"{time.time_ns()}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        self._recorder: subprocess.Popen[bytes] | None = None  # if this run had to start it
        self._reachable = False
        self._told = self._lost = False
        self._headlines: dict[str, float] = {}

    def start(
        self,
        name: str,
        tags: Mapping[str, str],
        params: Mapping[str, Any],
        family: Family | None = None,
    ) -> None:
        """Open the record. It appears under its name when it is locked and has its first line."""
        start = {
            "event": "start",
            "time_ms": _now_ms(),
            "name": name,
            "tags": {key: str(value) for key, value in tags.items()},
            "params": text_params(params),
            "family": None if family is None else asdict(family),
            "experiment": self._store.experiment,
        }
        hidden = self._path.with_name(f".{self._path.name}")
        try:
            self._store.spool.mkdir(parents=True, exist_ok=True)
            # without a buffer, which would fail once more when it is closed
            self._stream = hidden.open("wb", buffering=0)
            fcntl.flock(self._stream, fcntl.LOCK_EX)
            self._put(start)
            hidden.rename(self._path)
        except OSError as error:
            self._lose(error)
            with suppress(OSError):  # told just now
                hidden.unlink(missing_ok=True)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers by name; NaN is kept, infinities are MLflow's largest floats. ``=`` in names
        becomes ``_``.
        """
        values = {metric_name(key): _number(value) for key, value in metrics.items()}
        self._write({"event": "metrics", "time_ms": _now_ms(), "step": step, "metrics": values})

    def log_headlines(self, stage: str, metrics: Mapping[str, Any]) -> None:
        """Of a stage's nested numbers, all that there are so far, the few that its run shows."""
        now = of_run(stage, flat_numbers(metrics))
        new = {name: value for name, value in now.items() if self._headlines.get(name) != value}
        self._headlines |= new
        if new:
            self.log_metrics(new)

    def log_cells(self, found: Iterable[cells.Cell]) -> None:
        """A run for each cell of a grid (what identifies it, its figures), nested below it."""
        self._write({"event": "cells", "time_ms": _now_ms(), "cells": cells.as_records(found)})

    def log_series(self, rows: Sequence[Mapping[str, Any]], name: str = "history") -> None:
        """A curve: one row a point, its column ``step`` (or the row's number) the x axis, its other
        numbers the ys.
        """
        kept = [
            {key: _number(value) for key, value in row.items() if _is_number(value)} for row in rows
        ]
        self._write(
            {"event": "series", "time_ms": _now_ms(), "name": metric_name(name), "rows": kept}
        )

    def log_input(self, path: Path, name: str, digest: str | None = None) -> None:
        """A data set this run read: its path and MD5, the digest that dvc.lock and the DVC remote
        know it by.
        """
        refuse_private(path)
        try:
            digest = digest or md5_file(path)
        except OSError as error:
            warn(f"the input {path} is not recorded ({error.strerror or error})")
            return
        self._write({"event": "input", "name": name, "path": path.as_posix(), "digest": digest})

    def log_artifacts(self, folder: Path, name: str) -> None:
        """A folder (a LoRA adapter) to be copied beside the run, as it is now: if it changes
        before, it is left out.
        """
        refuse_private(folder)
        try:
            digest = digest_tree(folder)
        except (OSError, UserError) as error:
            warn(f"{folder} is not recorded ({error})")
            return
        path = self._place(folder)
        self._write({"event": "artifacts", "name": name, "path": path, "digest": digest})

    def log_file(self, path: Path, name: str) -> None:
        """A small file, to be copied into the folder `name` beside the run; its MD5, which dvc.lock
        has too, becomes the tag ``<name>_md5``.
        """
        refuse_private(path)
        try:
            md5 = md5_file(path)
        except OSError as error:
            warn(f"{path} is not recorded ({error.strerror or error})")
            return
        self._write({"event": "file", "name": name, "path": self._place(path), "md5": md5})

    def log_summaries(self, figures: Callable[[], Iterable[Figures]]) -> None:
        """What the summaries of steps show from now on, if this run ends well. Figures that cannot
        be read cost a warning.
        """
        try:
            events = [{"event": "summary", "figures": asdict(one)} for one in figures()]
        except (OSError, ValueError, TypeError, UserError) as error:
            warn(f"the summaries are not brought up to date ({error}); `synth-fr sync` does it")
            return
        for event in events:
            self._write(event)

    def _place(self, path: Path) -> str:
        """A path so that it is found in a checkout that was moved."""
        path, root = path.resolve(), self._store.folder.parent
        return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()

    def end(self, status: str) -> None:
        """Close the record (``FINISHED``, ``FAILED``, ``KILLED``) and leave it to the recorder."""
        self._write({"event": "end", "time_ms": _now_ms(), "status": status})
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError as error:  # some network file systems tell only now that they are full
                self._lose(error)
            self._stream = None

    def settle(self) -> None:
        """Wait until MLflow shows this run, at most ``timeout_s``: a job may end with its stage."""
        try:
            self._settle()
        except OSError as error:
            self._lose(error)

    def _settle(self) -> None:
        deadline = time.monotonic() + self._store.timeout_s
        second_try = False
        while self._awaited and time.monotonic() < deadline:
            if self._recorder_is_gone:
                if second_try:
                    break
                second_try = True  # it may have left just as this record came
                self.wake()
            time.sleep(_POLL_S)
        if self._awaited and self._recorder_is_gone:
            log = f"{self._store.recorder_log} says why"
            why = trouble(self._store, thorough=True) or f"MLflow did not take this run ({log})"
            self.warn_once(f"{why}; {self._kept}")

    def warn_once(self, message: str) -> None:
        """Tell what is wrong with the store, unless this run has told something of it already."""
        if not self._told:
            warn(message)
        self._told = True

    @property
    def _awaited(self) -> bool:
        return self._reachable and self._path.exists()

    @property
    def _recorder_is_gone(self) -> bool:
        starting = self._recorder is not None and self._recorder.poll() is None
        return not starting and not is_locked(self._store.recorder_lock)

    @property
    def _kept(self) -> str:
        return f"this run waits in {self._store.spool}, `synth-fr sync` sends it."

    def wake(self) -> None:
        """See to it that a recorder is at work. A store that cannot be used is told once, within
        ``timeout_s``.
        """
        if self._store.deferred or self._lost:
            return
        self._reachable = False
        try:
            if (why := trouble(self._store)) is not None:
                self.warn_once(f"{why}; {self._kept}")
                return
            self._recorder = wake_recorder(self._store)
        except OSError as error:
            self.warn_once(f"the process that sends runs cannot be started ({error}); {self._kept}")
            return
        self._reachable = True

    def _write(self, event: Mapping[str, Any]) -> None:
        if self._stream is not None:
            try:
                self._put(event)
            except OSError as error:
                self._lose(error)

    def _put(self, event: Mapping[str, Any]) -> None:
        assert self._stream is not None
        # at once, so that curves grow in MLflow while a long stage runs
        write_all(self._stream, json.dumps(event).encode("ascii") + b"\n")

    def _lose(self, error: OSError) -> None:
        why = unusable_place(self._store) or unusable(self._store.spool, error)
        self.warn_once(
            f"{why}; this run is not recorded, `synth-fr sync` rebuilds it from metrics/ then."
        )
        self._stream, self._reachable, self._lost = None, False, True


def wake_recorder(store: Store) -> subprocess.Popen[bytes] | None:
    """Start the recorder unless one is at work (None). It outlives the stage, and leaves when
    nothing comes.
    """
    if is_locked(store.recorder_lock):
        return None
    # it must find this package from any working directory
    places = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "synthfr.pipeline.tracking.recorder"]
    with store.recorder_log.open("ab") as log:
        return subprocess.Popen(
            [*command, str(store.folder), store.experiment, str(store.timeout_s)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # or who kills a stage's process group would kill it too
            env=environment,
        )


def text_params(params: Mapping[str, Any]) -> dict[str, str]:
    """As MLflow takes them: text under allowed names."""
    return {metric_name(key): _text(value) for key, value in params.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str) and (
        isinstance(value, int | float) or hasattr(value, "__float__")
    )


def _number(value: Any) -> float:
    return storable(float(value))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def warn(message: str) -> None:
    """Tell it as tracking's: the stage goes on."""
    print(f"tracking: {message}", file=sys.stderr, flush=True)
