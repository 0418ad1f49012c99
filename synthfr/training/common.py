"""What SFT and DPO share: parameters, rows, schedule, trainer arguments, the run, curves."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from synthfr import distributed, resume, seeding
from synthfr.section import Count, NonNegative, Section, Share
from synthfr.training import processes
from synthfr.training.order import LengthGroupedOrder
from synthfr.training.processes import Distributed
from synthfr.training.trl_seam import trainers

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy


class Lora(Section):
    """Parameters `sft.lora` and `dpo.lora`: see the comments in params.yaml."""

    r: Count = 32
    alpha: Count = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    target_modules: Literal["all-linear"] | list[str] = "all-linear"


class Training(Section):
    """What SFT and DPO have in common. `section`: what the parameters of a kind are called."""

    section: ClassVar[str]
    renamed: ClassVar[dict[str, str]] = {"warmup_share": "warmup_ratio"}

    batch_size: Count = 16
    device_batch_size: Count = 16
    max_length: Annotated[int, Field(ge=8)] = 384
    lora: Lora = Lora()
    warmup_ratio: Share = 0.1
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: NonNegative = 0.01
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    checkpoint_every_steps: Count = 25
    precision: Literal["float32", "bfloat16"] = "float32"
    quantisation: Literal["none", "nf4"] = "none"
    gradient_checkpointing: bool = False
    liger: bool = False
    distributed: Distributed = Distributed()

    @model_validator(mode="after")
    def _divides(self) -> Training:
        held, processes = self.device_batch_size, self.distributed.processes
        if self.batch_size % (held * processes):
            times = f" x {processes} processes" if processes > 1 else ""
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of "
                f"device_batch_size {held}{times}"
            )
        return self


# what transformers calls a schedule; its own "constant" knows no warm-up
SCHEDULERS = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
CURVE_POINTS = 100  # a training logs about so many rows of its curves
LAST_ROWS = 10  # final figures are means over so many of them: one batch alone is too noisy

Row = dict[str, float | None]


@dataclass(frozen=True)
class TrainResult:
    """A trained adapter (`model`, a PeftModel around the policy), its curves and its diagnostics.

    `history`: a row for each logged optimiser step; None where a step has no such value.
    `metrics`: nested numbers.
    """

    model: Any
    history: list[Row]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Schedule:
    """Optimiser steps of a training: in all, between rows of the curves, between checkpoints."""

    steps: int
    log_every: int
    checkpoint_every: int

    @classmethod
    def plan(cls, n_rows: int, epochs: float, params: Training) -> Schedule:
        """Checkpoints fall on logged steps: else a kill would lose a part of the curves."""
        batches = math.ceil(n_rows / params.device_batch_size)
        steps_per_epoch = math.ceil(batches / (params.batch_size // params.device_batch_size))
        steps = math.ceil(steps_per_epoch * epochs)
        log_every = max(1, steps // CURVE_POINTS)
        return cls(
            steps, log_every, math.ceil(params.checkpoint_every_steps / log_every) * log_every
        )


def split(
    frame: pd.DataFrame, key: str, validation_share: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and validation rows; the latter are this share, rounded, chosen by id."""
    draws = {row_id: seeding.derive(seed, "validation", row_id) for row_id in frame[key].tolist()}
    n_validation = min(round(validation_share * len(draws)), len(draws) - 1)
    held_out = frame[key].isin(sorted(draws, key=draws.__getitem__)[:n_validation])
    return frame[~held_out], frame[held_out]


def dataset(examples: pd.DataFrame) -> Any:
    """A Hugging Face data set of a table; None if it has no rows."""
    from datasets import Dataset

    columns = {str(name): examples[name].tolist() for name in examples}
    return Dataset.from_dict(columns) if len(examples) else None


def frozen_model(policy: Policy, params: Training) -> Any:
    """The policy's model in the precision that its frozen weights are trained around in."""
    import torch

    if params.quantisation != "none":
        return policy.model
    return policy.model.to(getattr(torch, params.precision))


def lora_config(lora: Lora) -> Any:
    """The configuration of a fresh adapter, as peft wants it."""
    from peft import LoraConfig

    return LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type="CAUSAL_LM",
    )


def seed_torch(seed: int, purpose: str) -> int:
    """Seed torch, whose global state initialises the adapter; returns the seed (32 bits)."""
    import transformers

    seed_32 = seeding.derive(seed, purpose) % 2**32
    transformers.set_seed(seed_32)
    return seed_32


def trainer_arguments(
    params: Training,
    schedule: Schedule,
    *,
    epochs: float,
    learning_rate: float,
    seed: int,
    scratch: Path,
    validates: bool,
) -> dict[str, Any]:
    """Arguments common to SFTConfig and DPOConfig. `validates`: the best checkpoint is kept."""
    import torch

    arguments: dict[str, Any] = {
        "output_dir": str(scratch),
        "seed": seed,
        "num_train_epochs": epochs,
        "learning_rate": learning_rate,
        "lr_scheduler_type": SCHEDULERS[params.schedule],
        "warmup_steps": round(params.warmup_ratio * schedule.steps),
        "weight_decay": params.weight_decay,
        "per_device_train_batch_size": params.device_batch_size,
        "per_device_eval_batch_size": params.device_batch_size,
        "gradient_accumulation_steps": params.batch_size
        // (params.device_batch_size * params.distributed.processes),
        "use_cpu": not torch.cuda.is_available(),
        "bf16": params.precision == "bfloat16",
        "gradient_checkpointing": params.gradient_checkpointing,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_steps": schedule.log_every,
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "save_strategy": "steps",
        "save_steps": schedule.checkpoint_every,
        "save_total_limit": 2,  # while one is being written there is another
        "report_to": "none",
        "disable_tqdm": True,  # the bar is ours: see `run`
        "use_liger_kernel": params.liger,
        **processes.arguments(params.distributed),
    }
    if validates:
        arguments |= {
            "eval_strategy": "steps",
            "eval_steps": schedule.checkpoint_every,
            "load_best_model_at_end": True,
            "metric_for_best_model": "loss",
            "greater_is_better": False,
        }
    return arguments


def quiet_libraries() -> None:
    """Errors only from the training libraries; no bars of theirs where nobody watches."""
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # read when tqdm and TRL are imported
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()  # tokenising takes a moment
    for name in ("accelerate", "peft", "trl"):
        logging.getLogger(name).setLevel(logging.ERROR)


def print_line(line: str) -> None:
    """Print one line for the person who runs the stage, from the first of several processes."""
    if distributed.rank() == 0:
        print(line, file=sys.stderr, flush=True)


def run(trainer: Any, order: LengthGroupedOrder, scratch: Path) -> None:
    """Train, or go on training, with our order of rows and our bar.

    Nothing but checkpoints is written: no model card, no lines of logs.
    """
    from transformers import PrinterCallback, ProgressCallback, TrainerCallback

    class OrderEpoch(TrainerCallback):  # type: ignore[misc]
        """Sets our order's epoch: accelerate's loader does not reach it where several processes go
        on from the middle of an epoch.
        """

        def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            order.set_epoch(int(state.epoch))

    class Bar(ProgressCallback):  # type: ignore[misc]
        def on_log(self, *args: Any, **kwargs: Any) -> None:
            """Lines would break the bar; the curves are written at the end."""

    if len(trainer.train_dataset) != len(order):
        raise RuntimeError(f"the trainer kept {len(trainer.train_dataset)} of {len(order)} rows")
    trainers.use_order(trainer, order)
    trainers.write_no_model_card(trainer)
    trainer.add_callback(OrderEpoch())
    trainer.remove_callback(PrinterCallback)
    if sys.stderr.isatty():
        trainer.add_callback(Bar())
    resume.train(trainer, scratch)


def curves(trainer: Any, columns: Mapping[str, str]) -> list[Row]:
    """The trainer's logs as one row a step. `columns`: its name of a value -> ours."""
    rows: dict[int, Row] = {}
    for entry in trainer.state.log_history:
        if "train_runtime" not in entry:  # the summary at the end
            row = rows.setdefault(entry["step"], dict.fromkeys(columns.values()))
            row |= {ours: float(entry[name]) for name, ours in columns.items() if name in entry}
    return [{"step": step, **rows[step]} for step in sorted(rows)]


def last_mean(history: Sequence[Row], column: str) -> float | None:
    """Mean of a column over the last rows of the curves that have it."""
    values = [value for row in history if (value := row.get(column)) is not None][-LAST_ROWS:]
    return sum(values) / len(values) if values else None


def best_checkpoint(trainer: Any) -> dict[str, float]:
    """Validation loss and optimiser step of the checkpoint that was kept; empty without one."""
    if trainer.state.best_metric is None:
        return {}
    return {"eval_loss": trainer.state.best_metric, "best_step": trainer.state.best_global_step}
