"""A training as data: what it is made from, how it runs in this process, where its adapter goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from synthfr.section import Section
from synthfr.training.common import Row, Training, TrainResult

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy


@dataclass(frozen=True)
class Job(ABC):
    """What every training is made from; `sft.SftJob` and `dpo.DpoJob` add what is their own.

    `adapters`: of the policy that the fresh adapter is trained on, in their order. `scratch` holds
    checkpoints and is keyed by all the rest. Merged weights that a quantised policy is read from
    lie for a while in `merged`.
    """

    TABLES: ClassVar[tuple[str, ...]] = ("rows",)  # fields that are data frames
    SECTIONS: ClassVar[Mapping[str, type[Section]]]  # fields that are parameters, and their classes

    step: str
    base: Path
    adapters: Sequence[Path]
    rows: pd.DataFrame
    params: Training
    seed: int
    scratch: Path
    merged: Path

    @abstractmethod
    def train(self, policy: Policy) -> TrainResult:
        """Train a fresh adapter on `policy`, which is the base with `adapters`."""


@dataclass(frozen=True)
class TrainSummary:
    """Curves and diagnostics of a training whose adapter is written: see `TrainResult`."""

    history: list[Row]
    metrics: dict[str, Any]


def fit(job: Job) -> TrainResult:
    """Train `job` in this process (one of several, where there are several)."""
    from synthfr import models
    from synthfr.training import quantised

    files = models.policy_files(job.base, job.adapters)
    if job.params.quantisation == "none":
        return job.train(models.load(files))
    return job.train(quantised.load(files, job.merged))


def save_adapter(job: Job, model: Any, out: Path) -> None:
    """Write the adapter of a trained model, with its lineage, to `out`."""
    from synthfr import models

    parent = job.adapters[-1] if job.adapters else None
    parent_step = models.read_lineage(parent).step if parent else None
    models.save_adapter(model, out, job.step, parent_step, job.base, parent)
