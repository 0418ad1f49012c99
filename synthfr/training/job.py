"""One training from its tables to its adapter's folder, in this process or in several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.training.common import Row, TrainResult

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.training.dpo import Dpo, Round
    from synthfr.training.sft import Sft


@dataclass(frozen=True)
class Job:
    """What a training is made from. `params` says which one: SFT, or DPO, which has a `round_`.

    `scratch` is keyed by all the rest; merged weights that a quantised policy is read from lie for
    a while in `merged`.
    """

    step: str
    base: Path
    adapters: Sequence[Path]  # of the policy that the fresh adapter stands on
    rows: pd.DataFrame  # SFT or PAIRS
    params: Sft | Dpo
    seed: int
    scratch: Path
    merged: Path
    round_: Round | None = None
    teacher: pd.DataFrame | None = None  # SFT


@dataclass(frozen=True)
class Trained:
    """Curves and diagnostics of a training whose adapter is written: see `TrainResult`."""

    history: list[Row]
    metrics: dict[str, Any]


def train(job: Job, out: Path) -> Trained:
    """Train `job` and write its adapter to `out`. UserError: see `sft.train` and `dpo.train`."""
    from synthfr.training import requirements

    requirements.check(job.params)
    if job.params.distributed.processes > 1:
        from synthfr.training import launch

        return launch.train(job, out)
    result = fit(job)
    publish(job, result.model, out)
    return Trained(result.history, result.metrics)


def fit(job: Job) -> TrainResult:
    """Train `job` in this process (one of several, where there are several)."""
    from synthfr import models
    from synthfr.training import dpo, quantised, sft
    from synthfr.training.sft import Sft

    files = models.policy_files(job.base, job.adapters)
    if job.params.quantisation == "none":
        policy = models.load(files)
    else:
        policy = quantised.load(files, job.merged)
    if isinstance(job.params, Sft):
        return sft.train(job.rows, policy, job.params, job.seed, job.scratch, job.teacher)
    if job.round_ is None:
        raise TypeError("DPO wants a round")
    return dpo.train(job.rows, policy, job.params, job.round_, job.seed, job.scratch)


def publish(job: Job, model: Any, out: Path) -> None:
    """Write the adapter of a trained model, with its lineage, to `out`."""
    from synthfr import models

    parent = job.adapters[-1] if job.adapters else None
    name = models.read_lineage(parent).step if parent else None
    models.save_adapter(model, out, job.step, name, job.base, parent)
