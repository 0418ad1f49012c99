"""In which order an epoch of a fine-tuned coder takes its reports, and after which epoch it ends.

Both are functions of what a checkpoint keeps, so that a run that goes on does as one that was never
killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthfr import seeding
from synthfr.coding import selection


def order(lengths: Sequence[int], batch_size: int, seed: int) -> Any:
    """A sampler of row numbers, of like `lengths` together, in an order that the seed and the epoch
    alone give: transformers' own draws from the global state at the start of an epoch, which a run
    that goes on in the middle of one does not have.
    """
    import torch
    from transformers.trainer_pt_utils import LengthGroupedSampler

    class Order(LengthGroupedSampler):  # type: ignore[misc]
        def set_epoch(self, epoch: int) -> None:
            """Called by the data loader before each epoch."""
            self.generator = torch.Generator().manual_seed(seeding.derive(seed, "order", epoch))

    return Order(batch_size, lengths=list(lengths))


def patience(evaluations: int, select_by: selection.Metric, min_steps: int) -> Any:
    """A callback that ends the training after so many evaluations in a row without a new best one,
    not before `min_steps` optimiser steps.

    It counts in the trainer's log, which checkpoints keep (transformers' own begins anew in a run
    that goes on). Where the run was killed after its last evaluation, one more step is made, and
    never looked at.
    """
    from transformers import TrainerCallback

    name = f"eval_{select_by}"

    def exhausted(state: Any) -> bool:
        evaluated = [entry for entry in state.log_history if name in entry]
        if not evaluated or evaluated[-1]["step"] < min_steps:
            return False
        values = np.array([entry[name] for entry in evaluated])
        losses = values if select_by == "loss" else -values
        since = len(losses) - 1 - int(np.argmin(np.nan_to_num(losses, nan=np.inf)))
        return since >= evaluations

    class Patience(TrainerCallback):  # type: ignore[misc]
        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = control.should_training_stop or exhausted(state)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if exhausted(state):
                control.should_training_stop = True
                control.should_evaluate = control.should_save = False

        on_epoch_end = on_step_end

    return Patience()
