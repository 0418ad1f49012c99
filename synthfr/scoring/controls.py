"""Scores that should teach nothing, to compare a real run with (`score.control`).

What a policy gains under a control, it gains from being trained at all, not from its private
documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import numpy as np

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.records import SCORES

if TYPE_CHECKING:
    import pandas as pd

Control = Literal["none", "shuffled", "wrong_document"]


def wrong_documents(prompt_ids: Iterable[str], random_seed: int, round_name: str) -> dict[str, str]:
    """Whose document each prompt is scored against: a random cycle through all of them, so that
    none keeps its own. It depends on the set of prompts, not on their order.

    Fewer than two prompts are a UserError.
    """
    cycle = sorted(
        set(prompt_ids),
        key=lambda one: (seeding.derive(random_seed, "wrong document", round_name, one), one),
    )
    if len(cycle) < 2:
        raise UserError(
            f"score.control 'wrong_document' wants at least two prompts in round {round_name!r}, "
            f"which has {len(cycle)}: raise rounds.{round_name}.prompts, or set control to none."
        )
    return dict(zip(cycle, [*cycle[1:], cycle[0]], strict=True))


def shuffled(scores: pd.DataFrame, random_seed: int, round_name: str) -> pd.DataFrame:
    """`scores` (SCORES, sorted by its key) whose candidates have changed places within each prompt:
    whole rows of scores, so that every prompt keeps its scores and no candidate is known by them.
    """
    ids, rest = list(SCORES.key), scores.columns.drop(list(SCORES.key))
    taken = np.arange(len(scores))
    for prompt_id, rows in scores.groupby("prompt_id").indices.items():
        rng = seeding.rng(random_seed, "shuffled scores", round_name, str(prompt_id))
        taken[rows] = rng.permutation(rows)
    moved = scores[rest].iloc[taken].reset_index(drop=True)
    return scores[ids].reset_index(drop=True).join(moved)[list(scores.columns)]
