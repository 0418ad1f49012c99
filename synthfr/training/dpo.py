"""One DPO round: a fresh LoRA adapter that makes chosen reports likelier than rejected ones.

TRL's DPOTrainer. The reference is the policy before the round, i.e. the same model with the fresh
adapter disabled (Rafailov et al. 2023, equation 7); the "sft" term adds the negative log-likelihood
of the chosen report (Pang et al. 2024). That the two agree before the first step is measured, not
assumed, and a round whose chosen reports become unlikely is stopped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from synthfr.errors import UserError
from synthfr.section import Count, Name, NonNegative, Positive, Section, Share
from synthfr.training import common, processes
from synthfr.training.common import Row, Schedule, Training, TrainResult
from synthfr.training.encoding import encode
from synthfr.training.job import Job
from synthfr.training.order import LengthGroupedOrder
from synthfr.training.trl_seam import dpo_trainer, trainers

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy


# TRL's DPO loss terms that need no further setting
LossTerm = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "nca_pair",
    "aot",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
]


class Dpo(Training):
    """Parameters `dpo`: see the comments in params.yaml."""

    section: ClassVar[str] = "dpo"

    beta: Positive = 0.1
    loss_type: Annotated[list[LossTerm], Field(min_length=1)] = ["sigmoid", "sft"]
    loss_weights: list[NonNegative] = [1.0, 0.3]
    max_truncated_share: Share = 0.01
    max_chosen_logp_drop: Positive | None = 0.3  # None: a round is not stopped for it
    batching: Literal["padded", "padding_free"] = "padded"
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NonNegative = 0.0
    max_length: Annotated[int, Field(ge=8)] = 448
    device_batch_size: Count = 8
    batch_size: Count = 8

    @model_validator(mode="after")
    def _one_weight_each(self) -> Dpo:
        if len(self.loss_type) != len(self.loss_weights):
            raise ValueError("loss_type and loss_weights must be equally long")
        if self.lora.dropout:
            raise ValueError("lora.dropout must be 0: a preference is measured without dropout")
        return self


class Round(Section):
    """Parameters `rounds.*`: see the comments in params.yaml."""

    parent: Name
    prompts: Count
    learning_rate: Positive
    epochs: Positive
    beta: Positive | None = None  # None: dpo.beta


@dataclass(frozen=True)
class DpoJob(Job):
    """One round on `rows` (PAIRS): `round_` is its own, `params` are those of all rounds."""

    SECTIONS: ClassVar[Mapping[str, type[Section]]] = {"params": Dpo, "round_": Round}

    params: Dpo
    round_: Round

    def train(self, policy: Policy) -> TrainResult:
        return train(self.rows, policy, self.params, self.round_, self.seed, self.scratch)


COLUMNS = {
    "loss": "loss",
    "rewards/margins": "margin",
    "rewards/accuracies": "accuracy",
    "rewards/chosen": "chosen_reward",
    "rewards/rejected": "rejected_reward",
    "logps/chosen": "chosen_logps",
    "logps/rejected": "rejected_logps",
    "learning_rate": "learning_rate",
    "eval_loss": "eval_loss",
    "eval_rewards/margins": "eval_margin",
    "eval_rewards/accuracies": "eval_accuracy",
    "eval_rewards/chosen": "eval_chosen_reward",
}


def train(
    pairs: pd.DataFrame, policy: Policy, params: Dpo, round_: Round, seed: int, scratch: Path
) -> TrainResult:
    """Train a fresh LoRA adapter on `pairs` (PAIRS) around `policy`, merged up to before the round.

    Where a share of the pairs is set aside, the checkpoint with the lowest loss on it is kept. In
    the curves, log-probabilities are sums over a report's tokens in nats, rewards are beta times
    their change since before the round. Checkpoints lie in `scratch`, where a killed run goes on.
    UserError: no pairs, too many cut ones (`max_truncated_share`), collapse
    (`max_chosen_logp_drop`).
    """
    common.quiet_libraries()
    from trl import DPOConfig

    frame = _encoded(pairs, policy, params)
    rows, validation = common.split(frame, "prompt_id", params.validation_share, seed)
    schedule = Schedule.plan(len(rows), round_.epochs, params)
    common.print_line(
        f"DPO: {len(rows)} pairs of {rows['chosen_tokens'].mean():.0f} chosen and "
        f"{rows['rejected_tokens'].mean():.0f} rejected tokens; {schedule.steps} steps of "
        f"{params.batch_size} pairs; {len(validation)} for validation"
    )
    beta = params.beta if round_.beta is None else round_.beta
    trainer_seed = common.seed_torch(seed, "dpo")
    columns = ["prompt_id", "prompt_ids", "chosen_ids", "rejected_ids"]
    trainer = dpo_trainer.dpo_trainer(
        model=common.frozen_model(policy, params),
        args=DPOConfig(
            beta=beta,
            loss_type=list(params.loss_type),
            loss_weights=list(params.loss_weights),
            max_length=params.max_length,
            **common.trainer_arguments(
                params,
                schedule,
                epochs=round_.epochs,
                learning_rate=round_.learning_rate,
                seed=trainer_seed,
                scratch=scratch,
                validates=len(validation) > 0,
            ),
        ),
        train_dataset=common.dataset(rows[columns]),
        eval_dataset=common.dataset(validation[columns]),
        processing_class=policy.tokenizer,
        peft_config=common.lora_config(params.lora),
    )
    trainers.compute_only_what_counts(
        trainer, params.precision, params.batching == "padded", "dpo.batching"
    )
    dpo_trainer.add_reference(trainer, params.device_batch_size, scratch)
    start = dpo_trainer.measure_start(trainer, beta, params.device_batch_size, params.precision)
    chosen_tokens = float(rows["chosen_tokens"].mean())
    trainer.add_callback(_collapse_guard(beta, chosen_tokens, params.max_chosen_logp_drop))
    lengths = rows["n_tokens"].tolist()
    order = LengthGroupedOrder(rows["prompt_id"].tolist(), lengths, params.batch_size, seed)
    common.run(trainer, order, scratch)

    # the start is no row of the curves: without a loss there, plots would draw one of zero
    history = common.curves(trainer, COLUMNS)
    n_cut = int((frame["n_tokens"] > params.max_length).sum())
    metrics: dict[str, Any] = {
        "rows": {"train": len(rows), "validation": len(validation), "truncated": n_cut},
        "steps": trainer.state.global_step,
        "start": start,
        **_diagnostics(history, rows, beta),
        **common.best_checkpoint(trainer),
    }
    return TrainResult(processes.whole_model(trainer), history, metrics)


def _encoded(pairs: pd.DataFrame, policy: Policy, params: Dpo) -> pd.DataFrame:
    """`pairs` as token ids under TRL's names, with their counts, shortest first; refuses what
    cannot be trained on.
    """
    if pairs.empty:
        raise UserError(
            "There are no pairs to train on: all were dropped (metrics/release and metrics/pair "
            "say why): "
            "lower pair.min_margin, or raise pair.max_length_ratio or generate.max_new_tokens."
        )
    import pandas as pd

    prompts = pairs["prompt"].tolist()
    prompt_ids, chosen = encode(policy, prompts, pairs["chosen"].tolist())
    _, rejected = encode(policy, prompts, pairs["rejected"].tolist())
    ids = {"prompt_ids": prompt_ids, "chosen_ids": chosen, "rejected_ids": rejected}
    frame = pd.DataFrame({"prompt_id": pairs["prompt_id"].to_numpy(), **ids})
    frame["n_prompt"] = frame["prompt_ids"].map(len)
    for side in ("chosen", "rejected"):
        frame[f"{side}_tokens"] = frame[f"{side}_ids"].map(len)
    frame["n_tokens"] = frame["n_prompt"] + frame[["chosen_tokens", "rejected_tokens"]].max(axis=1)
    cut = frame[frame["n_tokens"] > params.max_length]
    without_room = (frame["n_prompt"] >= params.max_length).any()
    if without_room or len(cut) > params.max_truncated_share * len(frame):
        raise UserError(
            f"dpo.max_length: {len(cut)} of {len(frame)} pairs ({len(cut) / len(frame):.1%}) are "
            f"longer than {params.max_length} tokens, up to {cut['n_tokens'].max()}: raise it, "
            "lower generate.max_new_tokens, or allow cut reports with dpo.max_truncated_share."
        )
    return frame.sort_values(["n_tokens", "prompt_id"], ignore_index=True)


def _collapse_guard(beta: float, chosen_tokens: float, max_drop: float | None) -> Any:
    """Callback that stops a round whose loss is no number, or whose chosen reports lose more than
    `max_drop` nats a token (None: however many): on validation pairs, or over the last rows of the
    curves (those that are to come lost nothing). A single batch says little: in a
    healthy round of the demo one lost .47, and the next one .02.
    """
    from transformers import TrainerCallback

    remedy = "lower the round's learning_rate or epochs, raise beta, or weigh the sft term more"

    class CollapseGuard(TrainerCallback):  # type: ignore[misc]
        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
        ) -> None:
            if not all(math.isfinite(logs.get(name, 0.0)) for name in ("loss", "eval_loss")):
                raise UserError(
                    f"The round's loss is no longer a number at step {state.global_step}: {remedy}."
                )
            name = "rewards/chosen"
            trained = [row[name] for row in state.log_history if name in row][-common.LAST_ROWS :]
            rows = max(1, state.max_steps // state.logging_steps)  # of the whole round
            lately = sum(trained) / max(len(trained), min(common.LAST_ROWS, rows))
            drop = -min(lately, logs.get(f"eval_{name}", 0.0)) / beta / chosen_tokens
            if max_drop is not None and drop > max_drop:
                raise UserError(
                    f"The round collapsed at step {state.global_step}: its chosen reports lost "
                    f"{drop:.2f} nats a token (dpo.max_chosen_logp_drop is {max_drop}): {remedy}."
                )

    return CollapseGuard()


def _diagnostics(history: list[Row], rows: pd.DataFrame, beta: float) -> dict[str, float | None]:
    """What tells a healthy round from one that looks healthy; means over the end of the curves."""
    tokens = {side: float(rows[f"{side}_tokens"].mean()) for side in ("chosen", "rejected")}
    figures = {name: common.last_mean(history, name) for name in ("loss", "margin", "accuracy")}
    for side, n_tokens in tokens.items():
        reward = common.last_mean(history, f"{side}_reward")
        drop = None if reward is None else -reward / beta / n_tokens
        figures[f"{side}_logp_drop_per_token"] = drop  # nats; below 0: likelier than before
        figures[f"{side}_tokens"] = n_tokens
    figures["length_ratio"] = tokens["chosen"] / tokens["rejected"]
    return figures
