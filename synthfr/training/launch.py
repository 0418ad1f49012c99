"""A training in several processes, as torchrun starts them, from inside the stage.

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

from synthfr.disk import atomic_dir, read_json, write_json
from synthfr.errors import UserError
from synthfr.training.job import Job, Trained

JOB, ADAPTER, RESULT = "job", "trained", "result.json"
PROBLEM = "problem-{rank}.txt"


def train(job: Job, out: Path) -> Trained:
    """`job.train` in ``params.distributed.processes`` processes."""
    for leftover in job.scratch.glob(PROBLEM.format(rank="*")):
        leftover.unlink()
    write(job)
    _processes(job)
    with atomic_dir(out) as partial:
        shutil.copytree(job.scratch / ADAPTER, partial, dirs_exist_ok=True)
    result = read_json(job.scratch / RESULT)
    return Trained(result["history"], result["metrics"])


def write(job: Job) -> None:
    """Put `job` into its scratch folder, for `read`."""
    with atomic_dir(job.scratch / JOB) as partial:
        job.rows.to_parquet(partial / "rows.parquet")
        if job.teacher is not None:
            job.teacher.to_parquet(partial / "teacher.parquet")
        plain = {
            "kind": type(job.params).__name__,
            "params": job.params.model_dump(mode="json"),
            "round": job.round_.model_dump(mode="json") if job.round_ else None,
            "step": job.step,
            "seed": job.seed,
            "base": job.base,
            "adapters": list(job.adapters),
            "merged": job.merged,
        }
        write_json(partial / "job.json", plain)


def read(scratch: Path) -> Job:
    """The job that `write` put there."""
    import pandas as pd

    from synthfr.training.dpo import Dpo, Round
    from synthfr.training.sft import Sft

    folder = scratch / JOB
    plain = read_json(folder / "job.json")
    taught = folder / "teacher.parquet"
    params: Sft | Dpo = (Sft if plain["kind"] == "Sft" else Dpo).model_validate(plain["params"])
    return Job(
        step=plain["step"],
        base=Path(plain["base"]),
        adapters=[Path(one) for one in plain["adapters"]],
        rows=pd.read_parquet(folder / "rows.parquet"),
        params=params,
        seed=plain["seed"],
        scratch=scratch,
        merged=Path(plain["merged"]),
        round_=Round.model_validate(plain["round"]) if plain["round"] else None,
        teacher=pd.read_parquet(taught) if taught.is_file() else None,
    )


def _processes(job: Job) -> None:
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
    command: list[Any] = ["-m", "synthfr.training.worker", str(job.scratch.resolve())]
    try:
        elastic_launch(config, sys.executable)(*command)
    except ChildFailedError as error:
        told = sorted(job.scratch.glob(PROBLEM.format(rank="*")))
        if told:
            raise UserError(told[0].read_text(encoding="utf-8")) from None
        first = next(iter(error.failures.values()))
        raise RuntimeError(
            f"process {first.local_rank} of the training ended with status {first.exitcode}: "
            "what it wrote stands above"
        ) from None
