"""What a stage and the processes of its training give each other, in the job's scratch folder: the
job itself, then the adapter with its curves and figures, or one line about a user's mistake.
"""

from __future__ import annotations

from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.disk import atomic_dir, read_json, write_json, write_text
from synthfr.training.job import Job, TrainSummary

if TYPE_CHECKING:
    from synthfr.training.common import TrainResult

JOB, ADAPTER, SUMMARY = "job", "adapter", "summary.json"
PROBLEM = "problem-{rank}.txt"
NO_ROOM = 28  # exit status of a process whose disk holds not even its problem


def write_job(job: Job) -> None:
    """Put `job` into its scratch folder, for `read_job`."""
    plain: dict[str, Any] = {"module": type(job).__module__, "class": type(job).__qualname__}
    with atomic_dir(job.scratch / JOB) as partial:
        for field in fields(job):
            value = getattr(job, field.name)
            if field.name in job.TABLES:
                if value is not None:
                    value.to_parquet(partial / f"{field.name}.parquet")
            elif field.name in job.SECTIONS:
                write_text(partial / f"{field.name}.json", value.model_dump_json())
            elif field.name != "scratch":  # the folder itself, under whatever name it is read
                plain[field.name] = list(value) if field.name == "adapters" else value
        write_json(partial / "job.json", plain)


def read_job(scratch: Path) -> Job:
    """The job that `write_job` put there."""
    import pandas as pd

    folder = scratch / JOB
    plain = read_json(folder / "job.json")
    kind: type[Job] = getattr(import_module(plain.pop("module")), plain.pop("class"))
    tables = {name: folder / f"{name}.parquet" for name in kind.TABLES}
    values = plain | {
        "base": Path(plain["base"]),
        "adapters": [Path(adapter) for adapter in plain["adapters"]],
        "merged": Path(plain["merged"]),
        "scratch": scratch,
        **{name: pd.read_parquet(file) for name, file in tables.items() if file.is_file()},
        **{
            name: section.model_validate_json((folder / f"{name}.json").read_text("utf-8"))
            for name, section in kind.SECTIONS.items()
        },
    }
    return kind(**values)


def write_summary(scratch: Path, result: TrainResult) -> None:
    """Leave curves and figures for the stage; the adapter goes to ``scratch / ADAPTER``."""
    write_json(scratch / SUMMARY, {"history": result.history, "metrics": result.metrics})


def read_summary(scratch: Path) -> TrainSummary:
    """The curves and figures that `write_summary` put there."""
    return TrainSummary(**read_json(scratch / SUMMARY))


def problem_files(scratch: Path) -> list[Path]:
    """What processes wrote about a user's mistake, the first process first."""
    return sorted(scratch.glob(PROBLEM.format(rank="*")))
