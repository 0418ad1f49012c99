"""Supervised fine-tuning of the base on the public reports: the adapter of the first step.

TRL's SFTTrainer on prompt/completion rows; the loss counts the report's tokens, not the prompt's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.training import common, head
from synthfr.training.common import Schedule, TrainResult
from synthfr.training.order import LengthGroupedOrder

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy
    from synthfr.params import Sft

COLUMNS = {
    "loss": "loss",
    "mean_token_accuracy": "token_accuracy",
    "learning_rate": "learning_rate",
    "eval_loss": "eval_loss",
    "eval_mean_token_accuracy": "eval_token_accuracy",
}


def train(
    reports: pd.DataFrame, policy: Policy, params: Sft, seed: int, scratch: Path
) -> TrainResult:
    """Train a fresh LoRA adapter on `reports` (SFT) around `policy`, the base.

    A share of the reports is set aside; the checkpoint with the lowest loss on it (nats a report
    token) is kept. Reports over `max_length` tokens are cut, and counted. Checkpoints lie in
    `scratch`, where a killed run goes on.
    UserError: no reports, or a prompt that leaves no room for one.
    """
    common.quiet_libraries()
    import torch
    from trl import SFTConfig, SFTTrainer

    frame = _with_tokens(reports, policy.tokenizer, params)
    rows, validation = common.split(frame, "report_id", params.validation_share, seed)
    schedule = Schedule.plan(len(rows), params.epochs, params)
    n_cut = int((frame["n_tokens"] > params.max_length).sum())
    common.tell(
        f"SFT: {len(rows)} reports of {rows['n_tokens'].mean():.0f} tokens with their prompts, "
        f"{n_cut} cut at {params.max_length}; {schedule.steps} steps of {params.batch_size} "
        f"reports; {len(validation)} for validation"
    )
    trainer_seed = common.seed_torch(seed, "sft")
    columns = ("prompt", "completion")
    trainer = SFTTrainer(
        model=policy.model.to(getattr(torch, params.precision)),
        args=SFTConfig(
            completion_only_loss=True,
            **common.trainer_arguments(
                params,
                schedule,
                epochs=params.epochs,
                learning_rate=params.learning_rate,
                seed=trainer_seed,
                scratch=scratch,
                validates=len(validation) > 0,
            ),
        ),
        train_dataset=common.dataset(rows, columns),
        eval_dataset=common.dataset(validation, columns),
        processing_class=policy.tokenizer,
        peft_config=common.lora_config(params.lora),
    )
    head.score_labels_only(trainer.model.get_base_model())
    lengths = rows["n_tokens"].tolist()
    order = LengthGroupedOrder(rows["report_id"].tolist(), lengths, params.batch_size, seed)
    common.run(trainer, order, scratch)

    history = common.curves(trainer, COLUMNS)
    metrics: dict[str, Any] = {
        "rows": {"train": len(rows), "validation": len(validation), "truncated": n_cut},
        "steps": trainer.state.global_step,
        "loss": common.last_mean(history, "loss"),
        "token_accuracy": common.last_mean(history, "token_accuracy"),
        **common.best(trainer),
    }
    return TrainResult(trainer.accelerator.unwrap_model(trainer.model), history, metrics)


def _with_tokens(reports: pd.DataFrame, tokenizer: Any, params: Sft) -> pd.DataFrame:
    """`reports` with their token counts, shortest first."""
    if reports.empty:
        raise UserError(
            "There are no reports to fine-tune on: the SFT table has no rows: give the seed stage "
            "some public reports."
        )
    prompts, completions = reports["prompt"].tolist(), reports["completion"].tolist()
    n_prompt, n_tokens = common.token_counts(tokenizer, prompts, completions)
    frame = reports.assign(n_prompt=n_prompt, n_tokens=n_tokens)
    full = frame[frame["n_prompt"] >= params.max_length]
    if len(full):
        raise UserError(
            f"sft.max_length: {params.max_length} tokens leave no room after the prompt of "
            f"{len(full)} reports, such as {full['report_id'].iloc[0]!r}: raise it, or lower "
            "keywords.max_keywords."
        )
    return frame.sort_values(["n_tokens", "report_id"], ignore_index=True)
