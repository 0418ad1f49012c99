"""Checkpoints of a training under way: which are whole, and where a killed run goes on.

They lie in a scratch folder keyed by everything the training depends on, so a checkpoint found
there is a point of the very same training. Going on from it ends in the same adapter, byte for
byte, as never having stopped.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from synthfr import disk, distributed

COMPLETE = "complete"  # written last: a checkpoint without it was cut off in mid-write
PREFIX = "checkpoint-"


def last_checkpoint(scratch: Path) -> Path | None:
    """The latest whole checkpoint in `scratch`, or None; half-written ones are removed."""
    remove_unfinished(scratch)
    whole = {int(one.name.removeprefix(PREFIX)): one for one in scratch.glob(f"{PREFIX}*")}
    return whole[max(whole)] if whole else None


def remove_unfinished(scratch: Path) -> None:
    """Remove the half-written checkpoints in `scratch`: no training may be writing one."""
    for folder in scratch.glob(f"{PREFIX}*"):
        if not (folder / COMPLETE).is_file():
            shutil.rmtree(folder)


def train(trainer: Any, scratch: Path) -> None:
    """Run a Hugging Face `trainer`, whose output_dir is `scratch`, from its last whole checkpoint.

    A full disk while a checkpoint is written is a UserError; whole checkpoints stay.
    """
    from transformers import TrainerCallback

    class MarkComplete(TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if args.world_size > 1:
                trainer.accelerator.wait_for_everyone()  # each process writes a part
            if state.is_world_process_zero:
                (scratch / f"{PREFIX}{state.global_step}" / COMPLETE).touch()

    trainer.add_callback(MarkComplete())
    if distributed.processes() > 1:
        with trainer.accelerator.main_process_first():  # half-written ones are removed once
            checkpoint = last_checkpoint(scratch)
    else:
        checkpoint = last_checkpoint(scratch)
    if checkpoint is not None and trainer.is_world_process_zero():
        step = checkpoint.name.removeprefix(PREFIX)
        print(f"goes on from step {step} of an earlier run", file=sys.stderr, flush=True)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except Exception as error:
        if not disk.is_full(error):
            raise
        if distributed.processes() == 1:  # of several, others may still write
            remove_unfinished(scratch)
        raise disk.full_disk(f"a checkpoint under {scratch}", scratch) from error
