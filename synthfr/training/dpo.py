"""One DPO round: a fresh LoRA adapter that makes chosen reports likelier than rejected ones.

TRL's DPOTrainer. The reference is the policy before the round, i.e. the same model with the fresh
adapter disabled (Rafailov et al. 2023, equation 7); the "sft" term adds the negative log-likelihood
of the chosen report (Pang et al. 2024). That the two agree before the first step is measured, not
assumed, and a round whose chosen reports become unlikely is stopped.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.training import common, head
from synthfr.training.common import Row, Schedule, TrainResult
from synthfr.training.order import LengthGroupedOrder

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy
    from synthfr.params import Dpo, Round

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
START_TOLERANCE = 1e-4  # of loss and margin before training: rounding


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
    import torch
    from trl import DPOConfig, DPOTrainer

    frame = _with_tokens(pairs, policy.tokenizer, params)
    rows, validation = common.split(frame, "prompt_id", params.validation_share, seed)
    schedule = Schedule.plan(len(rows), round_.epochs, params)
    common.tell(
        f"DPO: {len(rows)} pairs of {rows['chosen_tokens'].mean():.0f} chosen and "
        f"{rows['rejected_tokens'].mean():.0f} rejected tokens; {schedule.steps} steps of "
        f"{params.batch_size} pairs; {len(validation)} for validation"
    )
    beta = params.beta if round_.beta is None else round_.beta
    trainer_seed = common.seed_torch(seed, "dpo")
    columns = ("prompt", "chosen", "rejected")
    trainer = DPOTrainer(
        model=policy.model.to(getattr(torch, params.precision)),
        args=DPOConfig(
            beta=beta,
            loss_type=list(params.loss_type),
            loss_weights=list(params.loss_weights),
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
        train_dataset=common.dataset(rows, columns),
        eval_dataset=common.dataset(validation, columns),
        processing_class=policy.tokenizer,
        peft_config=common.lora_config(params.lora),
    )
    head.score_labels_only(trainer.model.get_base_model())
    _precompute_reference(trainer, params.device_batch_size)
    start = measured_start(trainer, beta, params.device_batch_size)
    chosen_tokens = float(rows["chosen_tokens"].mean())
    trainer.add_callback(_collapse_guard(beta, chosen_tokens, params.max_chosen_logp_drop))
    lengths = rows["n_tokens"].tolist()
    order = LengthGroupedOrder(rows["prompt_id"].tolist(), lengths, params.batch_size, seed)
    common.run(trainer, order, scratch)

    first: Row = {"step": 0, **dict.fromkeys(COLUMNS.values()), "margin": start["margin"]}
    history = [first, *common.curves(trainer, COLUMNS)]
    n_cut = int((frame["n_tokens"] > params.max_length).sum())
    metrics: dict[str, Any] = {
        "rows": {"train": len(rows), "validation": len(validation), "truncated": n_cut},
        "steps": trainer.state.global_step,
        "start": start,
        **_diagnostics(history, rows, beta),
        **common.best(trainer),
    }
    return TrainResult(trainer.accelerator.unwrap_model(trainer.model), history, metrics)


def _with_tokens(pairs: pd.DataFrame, tokenizer: Any, params: Dpo) -> pd.DataFrame:
    """`pairs` with their token counts, shortest first; refuses what cannot be trained on."""
    if pairs.empty:
        raise UserError(
            "There are no pairs to train on: the pair stage dropped all (its metrics say why): "
            "lower pair.min_margin, or raise pair.max_length_ratio or generate.max_new_tokens."
        )
    prompts = pairs["prompt"].tolist()
    n_prompt, chosen = common.token_counts(tokenizer, prompts, pairs["chosen"].tolist())
    _, rejected = common.token_counts(tokenizer, prompts, pairs["rejected"].tolist())
    frame = pairs.assign(
        n_prompt=n_prompt, n_tokens=[max(both) for both in zip(chosen, rejected, strict=True)]
    )
    frame["chosen_tokens"] = chosen - frame["n_prompt"]
    frame["rejected_tokens"] = rejected - frame["n_prompt"]
    cut = frame[frame["n_tokens"] > params.max_length]
    without_room = (frame["n_prompt"] >= params.max_length).any()
    if without_room or len(cut) > params.max_truncated_share * len(frame):
        raise UserError(
            f"dpo.max_length: {len(cut)} of {len(frame)} pairs ({len(cut) / len(frame):.1%}) are "
            f"longer than {params.max_length} tokens, up to {cut['n_tokens'].max()}: raise it, "
            "lower generate.max_new_tokens, or allow cut reports with dpo.max_truncated_share."
        )
    return frame.sort_values(["n_tokens", "prompt_id"], ignore_index=True)


def _precompute_reference(trainer: Any, batch_size: int) -> None:
    """Give each pair its reference log-probabilities, once, instead of a second pass every step.

    As TRL's own ``precompute_ref_log_probs`` does, but after the head is in place, and without a
    hash of all weights and a cache file.
    """
    trainer.train_dataset = _with_reference(trainer, trainer.train_dataset, batch_size)
    if trainer.eval_dataset is not None:
        trainer.eval_dataset = _with_reference(trainer, trainer.eval_dataset, batch_size)
    trainer.precompute_ref_logps = True


def _with_reference(trainer: Any, pairs: Any, batch_size: int) -> Any:
    from tqdm import tqdm  # type: ignore[import-untyped]

    logps: dict[str, list[float]] = {"ref_chosen_logps": [], "ref_rejected_logps": []}
    starts = range(0, len(pairs), batch_size)
    for start in tqdm(starts, "reference", disable=None):  # None: no bar without a terminal
        batch = _batch(trainer, pairs, start, batch_size)
        both = trainer.compute_ref_log_probs(trainer.model, batch)
        for values, one in zip(logps.values(), both, strict=True):
            values += one.tolist()
    for name, values in logps.items():
        pairs = pairs.add_column(name, values)
    return pairs


def _batch(trainer: Any, pairs: Any, start: int, size: int) -> dict[str, Any]:
    rows = [pairs[row] for row in range(start, min(start + size, len(pairs)))]
    return {name: one.to(trainer.args.device) for name, one in trainer.data_collator(rows).items()}


def measured_start(trainer: Any, beta: float, n_rows: int) -> dict[str, float]:
    """Sigmoid loss and largest margin on a first batch before training: ln 2 and 0.

    Anything else is a RuntimeError: the adapter is not fresh, or the reference not the policy.
    """
    import torch

    batch = _batch(trainer, trainer.train_dataset, 0, n_rows)
    reference = torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]])
    with torch.no_grad(), trainer.accelerator.autocast():
        output = trainer.model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            labels=batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100),
            use_cache=False,
            fused_lm_head=True,  # TRL's way to ask for log-probabilities
        )
    chosen, rejected = (beta * (output.log_probs.sum(dim=1) - reference)).float().chunk(2)
    margin = float((chosen - rejected).abs().max())
    loss = float(-torch.nn.functional.logsigmoid(chosen - rejected).mean())
    if margin > START_TOLERANCE or abs(loss - math.log(2)) > START_TOLERANCE:
        raise RuntimeError(
            f"before training, the largest margin is {margin:.6f} instead of 0 and the sigmoid "
            f"loss {loss:.6f} instead of ln 2: the adapter is not fresh, or the reference is not "
            "the policy before the round"
        )
    return {"loss": loss, "margin": margin}


def _collapse_guard(beta: float, chosen_tokens: float, max_drop: float) -> Any:
    """Callback that stops a round whose chosen reports lose more than `max_drop` nats a token."""
    from transformers import TrainerCallback

    remedy = "lower the round's learning_rate or epochs, raise beta, or weigh the sft term more"

    class CollapseGuard(TrainerCallback):  # type: ignore[misc]
        def on_log(
            self, args: Any, state: Any, control: Any, logs: dict[str, float], **kwargs: Any
        ) -> None:
            for prefix in ("", "eval_"):
                if not math.isfinite(logs.get(f"{prefix}loss", 0.0)):
                    raise UserError(
                        f"The round's loss is no longer a number at step {state.global_step}: "
                        f"{remedy}."
                    )
                drop = -logs.get(f"{prefix}rewards/chosen", 0.0) / beta / chosen_tokens
                if drop > max_drop:
                    raise UserError(
                        f"The round collapsed at step {state.global_step}: its chosen reports lost "
                        f"{drop:.2f} nats a token (dpo.max_chosen_logp_drop is {max_drop}): "
                        f"{remedy}."
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
