"""Training of a step's LoRA adapter: supervised (step0) and from preferences (the rounds).

`train` is what stages call; `sft.train` and `dpo.train` are the trainings themselves.
"""

from synthfr.training.job import Job, Trained, train

__all__ = ["Job", "Trained", "train"]
