"""How a stage trains: a job in this process, or in several as torchrun starts them.

The processes read the job from its scratch folder and leave the adapter there; the stage puts it
where it belongs. A mistake of the user's that one of them meets is raised here, in its own words.
"""

from __future__ import annotations

import logging
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

from synthfr import resume
from synthfr.disk import atomic_dir, full_disk
from synthfr.errors import UserError
from synthfr.training import handover, requirements, worker
from synthfr.training.job import Job, TrainSummary, fit, save_adapter


def train(job: Job, out: Path) -> TrainSummary:
    """Train `job` and write its adapter to `out`. UserError: see `sft.train` and `dpo.train`."""
    requirements.check(job.params)
    if job.params.distributed.processes > 1:
        return _train_in_processes(job, out)
    result = fit(job)
    save_adapter(job, result.model, out)
    return TrainSummary(result.history, result.metrics)


def _train_in_processes(job: Job, out: Path) -> TrainSummary:
    for leftover in handover.problem_files(job.scratch):
        leftover.unlink()
    handover.write_job(job)
    _run_processes(job)
    with atomic_dir(out) as partial:
        shutil.copytree(job.scratch / handover.ADAPTER, partial, dirs_exist_ok=True)
    return handover.read_summary(job.scratch)


def _run_processes(job: Job) -> None:
    """Start the processes and wait for them; UserError in the words of one that met a mistake."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in ("torch.distributed.elastic", "torch.distributed.launcher"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what failed is said below
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=job.params.distributed.processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
    )
    command: list[Any] = ["-m", worker.__name__, str(job.scratch.resolve())]
    try:
        elastic_launch(config, sys.executable)(*command)
    except ChildFailedError as error:
        resume.remove_unfinished(job.scratch)
        if problems := handover.problem_files(job.scratch):
            raise UserError(problems[0].read_text(encoding="utf-8")) from None
        first = next(iter(error.failures.values()))
        if any(one.exitcode == handover.NO_ROOM for one in error.failures.values()):
            raise full_disk(f"under {job.scratch}", job.scratch) from None
        raise RuntimeError(
            f"process {first.local_rank} of the training ended with status {first.exitcode}: "
            "what it wrote stands above"
        ) from None
