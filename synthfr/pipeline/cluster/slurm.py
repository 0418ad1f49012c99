"""SLURM's command lines: sbatch, squeue, sacct, scancel, sinfo; refusals in SLURM's words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthfr.errors import UserError

SCRIPT = Path("slurm/stage.sbatch")
WHOLE = "synth-fr"  # the name of a job that runs many stages
ENDED = frozenset(
    {
        "COMPLETED",
        "FAILED",
        "CANCELLED",
        "TIMEOUT",
        "OUT_OF_MEMORY",
        "NODE_FAIL",
        "BOOT_FAIL",
        "DEADLINE",
    }
)
SHARDS = ".shards"  # ends the name of an array that writes a stage's shards
_COLUMNS = "%F|%K|%j|%T|%M|%l|%r|%U|%Z"


@dataclass(frozen=True)
class Queued:
    """A job, or a task of an array, as squeue tells it."""

    job: str  # its id; of a task as SLURM writes it, 12_3
    name: str
    state: str
    elapsed: str
    limit: str
    reason: str
    user: int
    folder: Path

    @property
    def whole(self) -> str:
        """The id of the array, or of the job that is none."""
        return self.job.partition("_")[0]


def queue() -> list[Queued]:
    """The user's jobs, each task of an array by itself, also those that ended lately."""
    return _queue("-u", str(os.getuid()))


def _queue(*which: str) -> list[Queued]:
    told = _ask("squeue", "-h", "-r", "-t", "all", "-o", _COLUMNS, *which)
    jobs = []
    for line in told.splitlines():
        job, tasks, name, *rest, user, folder = line.split("|", 8)
        state, elapsed, limit, reason = rest
        jobs += [
            Queued(one, name, state, elapsed, limit, reason, int(user), Path(folder))
            for one in _tasks(job, tasks)
        ]
    return jobs


def _tasks(job: str, tasks: str) -> list[str]:
    """``12``, ``N/A``: no array. Tasks that ended before they began stay together: ``3-5,7%2``."""
    if not tasks[:1].isdigit():
        return [job]
    numbers: list[int] = []
    for part in tasks.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return [f"{job}_{number}" for number in numbers]


def accounted(jobs: Iterable[str]) -> dict[str, tuple[str, str]]:
    """State and elapsed time of jobs that squeue forgot; empty where there is no accounting."""
    # whole arrays: by itself a task that never began is not found
    wanted = ",".join(dict.fromkeys(job.partition("_")[0] for job in jobs))
    if not wanted or shutil.which("sacct") is None:
        return {}
    command = ["sacct", "-X", "-n", "-P", "-j", wanted, "-o", "JobID,State,Elapsed"]
    done = subprocess.run(command, capture_output=True, text=True)
    found: dict[str, tuple[str, str]] = {}
    for line in done.stdout.splitlines() if done.returncode == 0 else []:
        job, state, elapsed = line.split("|")
        whole, _, tasks = job.partition("_")
        # "CANCELLED by 1000"; "00:00:07", which squeue writes 0:07
        told = (state.split()[0], re.sub(r"^(00:)?0?", "", elapsed))
        found |= dict.fromkeys(_tasks(whole, tasks.strip("[]")), told)
    return found


def job_name(stage: str) -> str:
    """A stage's name as a job's, which is part of a file's: ``recipes/x/dvc.yaml:sft`` is
    ``x:sft``.
    """
    graph, colon, name = stage.rpartition(":")
    return f"{Path(graph).parent.name}{colon}{name}"


def at_work(root: Path, stages: Iterable[str]) -> list[Queued]:
    """Jobs of the workspace `root`, of anybody, that run, or may come to run, one of `stages`."""
    own = map(job_name, stages)
    names = {WHOLE} | {name for job in own for name in (job, job + SHARDS)}
    root = root.resolve()
    return [
        job
        for job in _queue("-n", ",".join(sorted(names)))
        if job.state not in ENDED and _same(job.folder, root)
    ]


def _same(folder: Path, root: Path) -> bool:
    try:
        return folder.resolve() == root
    except OSError:  # another user's, who does not let us look
        return False


def sbatch(command: Sequence[str]) -> str:
    """Submit; the job's id. A refusal is a UserError with sbatch's words."""
    done = _run(command)
    if done.returncode != 0:
        words = " ".join(done.stderr.replace("sbatch: error:", " ").split())
        raise UserError(f"sbatch refused {_name(command)}: {words or 'without a word'}")
    return done.stdout.strip().partition(";")[0]  # "id;cluster" on some sites


def command(
    name: str, arguments: Sequence[str], options: Sequence[str], after: Sequence[str] = ()
) -> list[str]:
    """The command line for one job. `after`: ids of the jobs that must have succeeded."""
    # without the second option a dependant of a failed job waits for ever
    ids = ":".join(after)
    depends = [f"--dependency=afterok:{ids}", "--kill-on-invalid-dep=yes"] if after else []
    job = ["sbatch", "--parsable", f"--job-name={name}", *options, *depends]
    return [*job, str(SCRIPT), *arguments]


def cancel(jobs: Sequence[str]) -> None:
    if jobs:
        _ask("scancel", *jobs)


def most_gpus(partition: str | None) -> int | None:
    """Of any one node; None where sinfo does not tell."""
    where = ["-p", partition] if partition else []
    done = _run(["sinfo", "-h", "-N", "-o", "%G", *where])
    if done.returncode != 0 or not done.stdout.strip():
        return None
    return max(
        sum(int(count) for count in re.findall(r"gpu:(?:[^:,()]+:)?(\d+)", line))
        for line in done.stdout.splitlines()
    )


def _ask(*arguments: str) -> str:
    done = _run(arguments)
    if done.returncode != 0:
        raise UserError(f"{arguments[0]}: {' '.join(done.stderr.split()) or 'failed'}")
    return done.stdout


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(arguments, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(
            f"There is no {arguments[0]} here: submit on a login node of a SLURM cluster, or run "
            "the stages on this machine with dvc repro."
        ) from None


def _name(command: Sequence[str]) -> str:
    names = [part.partition("=")[2] for part in command if part.startswith("--job-name=")]
    return names[0] if names else "the job"
