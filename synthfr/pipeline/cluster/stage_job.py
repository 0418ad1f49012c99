"""``dvc repro`` inside an allocation.

``python -m synthfr.pipeline.cluster.stage_job [--single-item] [TARGET]``; in a task of an
array ``--num-shards N STAGE``, which runs the stage's command on the task's shard of the work,
outside DVC, for the ``dvc repro`` that gathers.

* Cancelled (SIGTERM): the stage is told first, so that DVC sees it fail and frees its locks; then
  whatever still runs is killed.
* Near the time limit (SIGUSR1, see ``--signal`` in ``slurm/stage.sbatch``): the same, then the job
  is queued again and goes on from the last chunk or checkpoint.
* Another DVC on the same files ("is busy"): tried again with growing pauses; its holder is named.
* The exit status is that of DVC, or of the stage.
"""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from synthfr.pipeline import recipe
from synthfr.pipeline.cluster import job_records

PAUSES_S = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 120.0, 120.0, 120.0)  # nine minutes in all
GRACE_S = 12.0  # between the stage's SIGTERM and SIGKILL; SLURM's own KillWait is 30 s as a rule
MAX_RESTARTS = 50  # times that a job queues itself again
_BUSY = re.compile(r"is busy, it is being blocked by:?")
_LOCKED = "Unable to acquire lock"
_SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER


class Job:
    """One run of DVC, or of a stage by itself, from the first try to the exit status."""

    def __init__(
        self,
        command: Sequence[str],
        shown: str,
        *,
        folder: Path = Path(),
        pauses_s: tuple[float, ...] = PAUSES_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._command, self._shown, self._folder = command, shown, folder
        self._pauses_s, self._grace_s = pauses_s, grace_s
        self._dvc: subprocess.Popen[str] | None = None
        self._stopped_at: float | None = None
        self._over = threading.Event()  # somebody wants the job to end
        self._warned = False
        self._tail: deque[str] = deque(maxlen=400)

    def run(self) -> int:
        """DVC's exit status, after at most all the pauses."""
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # orphans of a stage become our children
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGUSR1, self._on_warning)
        code = 1
        try:
            for pause in (*self._pauses_s, None):
                code = self._once()
                holder = self._holder()
                if code == 0 or holder is None or self._over.is_set():
                    break
                if pause is None:
                    log_line(
                        f"still busy, held by {holder}: if no job of this repository runs, "
                        "remove .dvc/tmp/rwlock (and .dvc/tmp/lock) and submit again."
                    )
                    break
                log_line(f"busy, held by {holder}: trying again in {pause:.0f} s")
                self._over.wait(pause)
                if self._over.is_set():
                    break
        finally:
            self._end_leftovers()
        return code

    @property
    def warned(self) -> bool:
        """The time limit is near."""
        return self._warned

    def _once(self) -> int:
        self._tail.clear()
        log_line(f"=== {self._shown}")
        self._dvc = subprocess.Popen(
            self._command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        # aside, because an orphan of the stage may keep the pipe open
        reader = threading.Thread(target=self._copy, args=(self._dvc,), daemon=True)
        reader.start()
        if self._over.is_set():  # the signal came while it started
            self._stop(at_once=True)
        while self._dvc.poll() is None:
            if self._stopped_at and time.monotonic() > self._stopped_at + self._grace_s:
                self._kill()
            time.sleep(0.1)
        reader.join(timeout=2)
        code = self._dvc.returncode
        self._dvc = None
        return code if code >= 0 else 128 - code

    def _copy(self, dvc: subprocess.Popen[str]) -> None:
        assert dvc.stdout is not None
        for line in dvc.stdout:
            self._tail.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()

    def _holder(self) -> str | None:
        """Who keeps the files that DVC wants; None if that is not what stopped it."""
        lines = list(self._tail)
        for at, line in enumerate(lines):
            if _BUSY.search(line):
                told = " ".join(part.strip() for part in lines[at : at + 3])
                found = re.search(r"\(PID \d+\)[^.]*", told)
                return found[0].strip() if found else "another DVC process"
        return "another DVC process" if any(_LOCKED in line for line in lines) else None

    def _on_term(self, number: int, frame: Any) -> None:
        if not self._over.is_set():
            log_line("told to end: stopping the stage")
        self._stop(at_once=True)

    def _on_warning(self, number: int, frame: Any) -> None:
        log_line("the time limit is near: stopping the stage, to go on in another run")
        self._warned = True
        self._stop(at_once=False)

    def _stop(self, *, at_once: bool) -> None:
        """DVC first, which then lets no further stage live; then the stage and all below it.

        A DVC that saves the outputs of a finished stage may go on, unless it must end `at_once`.
        """
        self._over.set()
        stage = self._stage()
        if at_once or stage:
            self._stopped_at = self._stopped_at or time.monotonic()
        if self._dvc is not None:
            self._dvc.send_signal(signal.SIGTERM)
        _each(stage, psutil.Process.terminate)

    def _stage(self) -> list[psutil.Process]:
        """The processes below DVC."""
        try:
            dvc = psutil.Process(self._dvc.pid) if self._dvc is not None else None
            return list(dvc.children(recursive=True)) if dvc else []
        except psutil.NoSuchProcess:
            return []

    def _kill(self) -> None:
        assert self._dvc is not None
        log_line(f"it did not end within {self._grace_s:.0f} s: killed")
        stage = self._stage()
        _each(stage, psutil.Process.kill)
        if not stage:
            self._dvc.kill()
        self._stopped_at = time.monotonic()  # DVC has the same time again to tidy up

    def _end_leftovers(self) -> None:
        """What a stage left running, such as MLflow's recorder, whose records are kept."""
        left = _below()
        _each(left, psutil.Process.terminate)
        _, alive = psutil.wait_procs(left, timeout=3)
        _each(alive, psutil.Process.kill)


def _below() -> list[psutil.Process]:
    return list(psutil.Process().children(recursive=True))


def _each(processes: list[psutil.Process], do: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            do(process)
        except psutil.NoSuchProcess:
            continue


def log_line(text: str) -> None:
    """A line of the job's log; not by `print`, which a signal's handler must not enter twice."""
    os.write(1, f"{time.strftime('%F %T')} job {_id()}: {text}\n".encode())


def _id() -> str:
    """As `squeue` shows it: 12, or 12_3 of a task."""
    if "SLURM_ARRAY_TASK_ID" in os.environ:
        return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID", str(os.getpid()))


def repro(arguments: Sequence[str]) -> Job:
    """``dvc repro`` with these arguments."""
    given = ["--wait-for-lock", "repro", *arguments]
    command = [sys.executable, "-m", "synthfr.pipeline.cluster.shield", *given]
    return Job(command, shlex.join(["dvc", *given]))


def shard(num_shards: str, stage: str) -> Job:
    """The stage's command, as dvc.yaml has it, on this task's shard of its work."""
    from dvc.repo import Repo

    folder, name = recipe.folder_of(stage)
    defined = Repo().stage.load_one(path=str(folder / "dvc.yaml"), name=name)
    index = os.environ["SLURM_ARRAY_TASK_ID"]
    own = [f"--shard-index={index}", f"--num-shards={num_shards}"]
    command = [*shlex.split(defined.cmd), *own]
    return Job(command, shlex.join(command), folder=folder)


def main(arguments: list[str]) -> int:
    restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    facts = {
        "target": " ".join(arguments),
        "node": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
        "restarts": restarts,
        "started": round(time.time()),
    }
    job_records.write_job(_id(), **facts)
    job = shard(*arguments[1:]) if arguments[:1] == ["--num-shards"] else repro(arguments)
    code = job.run()
    job_records.write_job(_id(), **facts, ended=round(time.time()), exit_code=code)
    log_line(f"ended with {code}")
    if code != 0 and job.warned and "SLURM_JOB_ID" in os.environ:
        if restarts >= MAX_RESTARTS:
            log_line(f"not queued again: {restarts} restarts are enough; give it more time a run")
        elif subprocess.run(["scontrol", "requeue", _id()], check=False).returncode == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            time.sleep(300)  # SLURM ends this run: its exit status must not count
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
