"""What the last step has to beat: the bare base model or step0, whichever is better.

A gain over step0 alone would flatter the rounds, because supervised fine-tuning on a small public
seed can leave a model worse than it was. The better of the two is chosen anew for every cell and
every seed of the generator, by the very figures that are compared: the stricter of the two.
"""

from __future__ import annotations

from collections.abc import Sequence

TITLES = {"base": "bare base"}  # of steps that are called otherwise than their name
_BASELINES = ("base", "step0")


def title(step: str) -> str:
    """What a reader sees of a step's name."""
    return TITLES.get(step, step)


def baseline_steps(steps: Sequence[str]) -> tuple[str, ...]:
    """Those of the bare base and step0 that come before the last step; without them, the first."""
    return tuple(step for step in steps[:-1] if step in _BASELINES) or (steps[0],)


def described(steps: Sequence[str]) -> str:
    """``the better of bare base and step0``, or the only one there is."""
    names = [title(step) for step in baseline_steps(steps)]
    return names[0] if len(names) == 1 else f"the better of {' and '.join(names)}"


def gain_title(steps: Sequence[str]) -> str:
    """Head of the column with the relative gain of the last step."""
    return f"{title(steps[-1])} vs {described(steps)}"
