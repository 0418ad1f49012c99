"""Supervised fine-tuning of the base on the public reports: the adapter of the first step.

TRL's SFTTrainer on rows of token ids; the loss counts the report's tokens, and the prompt's where
it is asked for. Reports of a larger model may be mixed in, to learn the task from; validation is on
public ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from synthfr import seeding
from synthfr.corpora.teacher import Teacher
from synthfr.errors import UserError
from synthfr.section import Positive, Section
from synthfr.training import common, packing, pieces, processes
from synthfr.training.common import Schedule, Training, TrainResult
from synthfr.training.encoding import encode
from synthfr.training.job import Job
from synthfr.training.order import LengthGroupedOrder
from synthfr.training.pieces import IGNORED
from synthfr.training.trl_seam import trainers

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy


class Sft(Training):
    """Parameters `sft`: see the comments in params.yaml."""

    section: ClassVar[str] = "sft"

    epochs: Positive = 2.0
    learning_rate: Positive = 0.0005
    loss: Literal["report", "all"] = "report"
    batching: Literal["padded", "padding_free", "packed", "chunked"] = "padded"
    teacher: Teacher = Teacher()


@dataclass(frozen=True)
class SftJob(Job):
    """Fine-tuning of the base on `rows` (SFT) and, where there is one, on a `teacher`'s (SFT)."""

    TABLES: ClassVar[tuple[str, ...]] = ("rows", "teacher")
    SECTIONS: ClassVar[Mapping[str, type[Section]]] = {"params": Sft}

    params: Sft
    teacher: pd.DataFrame | None = None

    def train(self, policy: Policy) -> TrainResult:
        return train(self.rows, policy, self.params, self.seed, self.scratch, self.teacher)


COLUMNS = {
    "loss": "loss",
    "mean_token_accuracy": "token_accuracy",
    "learning_rate": "learning_rate",
    "eval_loss": "eval_loss",
    "eval_mean_token_accuracy": "eval_token_accuracy",
}
ROWS = {"packed": "packs", "chunked": "pieces"}  # what a row of the training is, if not a report


def train(
    reports: pd.DataFrame,
    policy: Policy,
    params: Sft,
    seed: int,
    scratch: Path,
    teacher: pd.DataFrame | None = None,
) -> TrainResult:
    """Train a fresh LoRA adapter on `reports` (SFT) around `policy`, the base.

    A share of the reports is set aside; the checkpoint with the lowest loss on it (nats a counted
    token) is kept. Reports over `max_length` tokens are cut, and counted; where rows are chunked,
    what is cut off is rows of its own, on the report's side of the split. Of `teacher` (SFT) as
    many rows join the others as ``params.teacher.share`` asks for. Checkpoints lie in `scratch`,
    where a killed run goes on.
    UserError: no reports, or a prompt that leaves no room for one (never where rows are chunked).
    """
    common.quiet_libraries()
    import pandas as pd
    from trl import SFTConfig, SFTTrainer

    if reports.empty:
        raise UserError(
            "There are no reports to fine-tune on: the SFT table has no rows: give the seed stage "
            "some public reports."
        )
    frame = _encoded(reports, policy, params)
    rows, validation = common.split(frame, "report_id", params.validation_share, seed)
    teacher_rows = _drawn(teacher, len(rows), params.teacher.share, seed)
    if teacher_rows is not None:
        rows = _sorted(pd.concat([rows, _encoded(teacher_rows, policy, params)]))
    examples, held_out = (common.dataset(_examples(part, params)) for part in (rows, validation))
    packed, chunked = params.batching == "packed", params.batching == "chunked"
    if packed:
        examples = packing.pack(examples, params.max_length)
    schedule = Schedule.plan(len(examples), params.epochs, params)
    longer = sum(int((part["n_tokens"] > params.max_length).sum()) for part in (rows, validation))
    n_cut = 0 if chunked else longer
    common.print_line(
        f"SFT: {len(rows)} reports of {rows['n_tokens'].mean():.0f} tokens with their prompts, "
        + (f"in {len(examples)} pieces of" if chunked else f"{n_cut} cut at")
        + f" {params.max_length}; {schedule.steps} steps of {params.batch_size} "
        f"{ROWS.get(params.batching, 'reports')}; {len(validation)} for validation"
        + (f"; {len(teacher_rows)} of a teacher" if teacher_rows is not None else "")
    )
    trainer_seed = common.seed_torch(seed, "sft")
    trainer = SFTTrainer(
        model=common.frozen_model(policy, params),
        args=SFTConfig(
            max_length=None,  # cut before
            padding_free=packed,  # the collator's form of packs,
            dataset_kwargs={"skip_prepare_dataset": True},
            **common.trainer_arguments(
                params,
                schedule,
                epochs=params.epochs,
                learning_rate=params.learning_rate,
                seed=trainer_seed,
                scratch=scratch,
                validates=held_out is not None,
            ),
        ),
        train_dataset=examples,
        eval_dataset=held_out,
        processing_class=policy.tokenizer,
        peft_config=common.lora_config(params.lora),
    )
    trainers.compute_only_what_counts(
        trainer, params.precision, params.batching in ("padded", "chunked"), "sft.batching"
    )
    order = LengthGroupedOrder(examples["report_id"], examples["n_tokens"], params.batch_size, seed)
    common.run(trainer, order, scratch)

    history = common.curves(trainer, COLUMNS)
    counts = {"train": len(rows), "validation": len(validation), "truncated": n_cut}
    if teacher_rows is not None:
        counts["teacher"] = len(teacher_rows)
    if packed:
        counts["packs"] = len(examples)
    if chunked:
        counts["pieces"] = len(examples)
        counts["validation_pieces"] = 0 if held_out is None else len(held_out)
    metrics: dict[str, Any] = {
        "rows": counts,
        "steps": trainer.state.global_step,
        "loss": common.last_mean(history, "loss"),
        "token_accuracy": common.last_mean(history, "token_accuracy"),
        **common.best_checkpoint(trainer),
    }
    return TrainResult(processes.whole_model(trainer), history, metrics)


def _encoded(reports: pd.DataFrame, policy: Policy, params: Sft) -> pd.DataFrame:
    """Ids and token ids of `reports`, shortest first; refuses prompts that leave no room."""
    import pandas as pd

    prompts, report_ids = encode(policy, reports["prompt"].tolist(), reports["completion"].tolist())
    frame = pd.DataFrame(
        {
            "report_id": reports["report_id"].to_numpy(),
            "prompt_ids": prompts,
            "report_ids": report_ids,
            "n_tokens": [
                len(prompt) + len(report)
                for prompt, report in zip(prompts, report_ids, strict=True)
            ],
        }
    )
    full = frame[frame["prompt_ids"].map(len) >= params.max_length]
    if len(full) and params.batching != "chunked":
        raise UserError(
            f"sft.max_length: {params.max_length} tokens leave no room after the prompt of "
            f"{len(full)} reports, such as {full['report_id'].iloc[0]!r}: raise it, or lower "
            "keywords.max_keywords."
        )
    return _sorted(frame)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["n_tokens", "report_id"], ignore_index=True)


def _drawn(
    teacher: pd.DataFrame | None, n_reports: int, share: float, seed: int
) -> pd.DataFrame | None:
    """As many of the teacher's rows, drawn by id, as make this share of all training rows."""
    if teacher is None:
        return None
    wanted = round(share / (1 - share) * n_reports)
    if wanted > len(teacher):
        common.print_line(
            f"SFT: sft.teacher.share {share} asks for {wanted} reports of the teacher, there are "
            f"{len(teacher)}: all are used."
        )
    ids = teacher["report_id"].tolist()
    ranks = {report_id: seeding.derive(seed, "teacher", report_id) for report_id in ids}
    drawn = sorted(ranks, key=ranks.__getitem__)[:wanted]
    return teacher[teacher["report_id"].isin(drawn)]


def _examples(rows: pd.DataFrame, params: Sft) -> pd.DataFrame:
    """What the trainer reads of each row: token ids, cut at ``params.max_length`` or into pieces of
    it, and labels: the ids that the loss counts.
    """
    import numpy as np

    whole = rows[["report_id", "n_tokens"]].assign(
        input_ids=[
            np.concatenate(both)
            for both in zip(rows["prompt_ids"], rows["report_ids"], strict=True)
        ]
    )
    # the first token never counts: nothing foretells it
    n_given = [len(ids) if params.loss == "report" else 1 for ids in rows["prompt_ids"]]
    whole["labels"] = [
        np.concatenate([np.full_like(ids[:given], IGNORED), ids[given:]])
        for ids, given in zip(whole["input_ids"], n_given, strict=True)
    ]
    if params.batching == "chunked":
        return pieces.cut(whole, params.max_length)
    for name in ("input_ids", "labels"):
        whole[name] = [ids[: params.max_length] for ids in whole[name]]
    return whole
