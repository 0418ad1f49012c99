"""TRL's DPO trainer on rows of token ids, with the reference's log-probabilities beside them.

The reference is the policy before the round. Its log-probabilities are computed once instead of in
every step, and kept in the scratch folder, so that a resumed run does not compute them again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr import distributed
from synthfr.disk import atomic_path, digest

if TYPE_CHECKING:
    import torch

SIDES = ("ref_chosen_logps", "ref_rejected_logps")  # TRL's names
# of loss and margin before training: rounding
START_TOLERANCE = {"float32": 1e-4, "bfloat16": 1e-2}


def dpo_trainer(**arguments: Any) -> Any:
    """A DPOTrainer made from `arguments`, whose rows are token ids already."""
    from trl import DPOTrainer

    class TokenIdsDpoTrainer(DPOTrainer):  # type: ignore[misc]
        def _prepare_dataset(self, dataset: Any, *args: Any) -> Any:
            return dataset

    return TokenIdsDpoTrainer(**arguments)


def add_reference(trainer: Any, batch_size: int, scratch: Path) -> None:
    """Give each pair of a DPOTrainer its reference log-probabilities, sums over a report in nats.

    As TRL's own ``precompute_ref_log_probs`` does, but with the model as it will be trained
    (`trainers.compute_only_what_counts`), and without a hash of all its weights: `scratch` is keyed
    by what they depend on.
    """
    for name in ("train", "eval"):
        pairs = getattr(trainer, f"{name}_dataset")
        if pairs is not None:
            file = scratch / f"reference-{name}.safetensors"
            for side, values in _stored_or_computed(trainer, pairs, batch_size, file).items():
                pairs = pairs.add_column(side, values)
            setattr(trainer, f"{name}_dataset", pairs)
    trainer.precompute_ref_logps = True


def _stored_or_computed(
    trainer: Any, pairs: Any, batch_size: int, file: Path
) -> dict[str, Sequence[float]]:
    from safetensors import safe_open
    from safetensors.torch import save_file

    key = {"pairs": digest(pairs["prompt_id"][:])}
    if file.is_file():
        with safe_open(file, "pt") as stored:
            if stored.metadata() == key:
                return {side: stored.get_tensor(side).tolist() for side in SIDES}
    trainer.accelerator.wait_for_everyone()  # all have looked before one writes
    computed = _reference_log_probs(trainer, pairs, batch_size)
    if distributed.rank() == 0:
        with atomic_path(file) as partial:
            save_file(computed, partial, key)
    return {side: computed[side].tolist() for side in SIDES}


def _reference_log_probs(trainer: Any, pairs: Any, batch_size: int) -> dict[str, torch.Tensor]:
    import torch
    from tqdm import tqdm  # type: ignore[import-untyped]

    if trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled:
        trainer.model.to(trainer.args.device)  # is only split, and sent there, when training starts
    own: list[tuple[int, list[list[float]]]] = []
    starts = range(0, len(pairs), batch_size)[distributed.rank() :: distributed.processes()]
    for start in tqdm(starts, "reference", disable=None):  # None: no bar without a terminal
        both = trainer.compute_ref_log_probs(
            trainer.model, _batch(trainer, pairs, start, batch_size)
        )
        own.append((start, [side.float().tolist() for side in both]))
    ordered = [sides for _, sides in sorted(distributed.gather(own))]
    return {
        side: torch.tensor([value for sides in ordered for value in sides[number]])
        for number, side in enumerate(SIDES)
    }


def _batch(trainer: Any, pairs: Any, start: int, size: int) -> dict[str, Any]:
    rows = [pairs[row] for row in range(start, min(start + size, len(pairs)))]
    batch = trainer.data_collator(rows)
    return {name: tensor.to(trainer.args.device) for name, tensor in batch.items()}


def measure_start(trainer: Any, beta: float, n_rows: int, precision: str) -> dict[str, float]:
    """Sigmoid loss and largest margin on a first batch before training: ln 2 and 0.

    Anything else is a RuntimeError: the adapter is not fresh, or the reference not the policy.
    """
    import torch

    batch = _batch(trainer, trainer.train_dataset, 0, n_rows)
    reference = torch.cat([batch[side] for side in SIDES])
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
    if max(margin, abs(loss - math.log(2))) > START_TOLERANCE[precision]:
        raise RuntimeError(
            f"before training, the largest margin is {margin:.6f} instead of 0 and the sigmoid "
            f"loss {loss:.6f} instead of ln 2: the adapter is not fresh, or the reference is not "
            "the policy before the round"
        )
    return {"loss": loss, "margin": margin}
