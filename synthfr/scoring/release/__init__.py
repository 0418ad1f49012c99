"""What leaves the private side of a round's scores (`score.release`), each way in its own module;
all end at the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.preferences import matched
from synthfr.scoring.release import order, raw
from synthfr.scoring.release.gate import NotReleasable, Released, ScoredRound

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.preferences import Pair
    from synthfr.scoring.scores import Score

__all__ = ["NotReleasable", "Released", "ScoredRound", "release"]

_WAYS = {"order": order.released, "raw": raw.released}


def release(
    scores: pd.DataFrame,
    candidates: pd.DataFrame,
    params: Score,
    pair: Pair,
    random_seed: int,
) -> Released:
    """What `params.release` lets out of a round's `scores` (SCORES, all columns) of its public
    `candidates` (CANDIDATES). `random_seed` is the round's, as `preferences.choose` wants it.

    Scores of other candidates are a UserError.
    """
    matched(candidates, scores)
    scored = ScoredRound(scores, candidates, params.weights, pair, random_seed)
    return _WAYS[params.release](scored)
