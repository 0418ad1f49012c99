"""What jobs leave behind for who looks later: SLURM forgets a job minutes after its end.

``.scratch/cluster/jobs/<job>.json`` is written by the job, ``chain.json`` by who submitted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthfr.disk import read_json, write_json

FOLDER = Path(".scratch/cluster")
CHAIN = FOLDER / "chain.json"


def write_job(job: str, **facts: Any) -> None:
    write_json(_job_path(job), facts)


def read_job(job: str) -> dict[str, Any]:
    """What the job told, empty if it never started."""
    path = _job_path(job)
    return dict(read_json(path)) if path.is_file() else {}


def _job_path(job: str) -> Path:
    return FOLDER / "jobs" / f"{job}.json"
