"""What is changed in any of TRL's trainers before it runs: see `CHANGES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthfr.training.trl_seam import head, unpadded

if TYPE_CHECKING:
    from synthfr.training.order import LengthGroupedOrder


def compute_only_what_counts(trainer: Any, precision: str, padded: bool, setting: str) -> None:
    """Let the trainer's model score the loss's tokens only and, where its batches are not to be
    `padded`, compute no padding.

    UserError, naming the `setting` that asked for it: see `unpadded.remove_padding`.
    """
    model = trainer.model.get_base_model()
    head.score_labels_only(model)
    if not padded:
        unpadded.remove_padding(model, precision, setting)


def use_order(trainer: Any, order: LengthGroupedOrder) -> None:
    """Let the trainer take its rows in our order."""
    trainer._get_train_sampler = lambda dataset=None: order


def write_no_model_card(trainer: Any) -> None:
    """Let the trainer's checkpoints hold no model card."""
    trainer.create_model_card = lambda *args, **kwargs: None
