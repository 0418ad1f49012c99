"""What leaves the private side of a round's scores (`score.release`), each way in its own module;
all end at the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.preferences import matched
from synthfr.scoring.release import order, population, raw
from synthfr.scoring.release.gate import Books, NotReleasable, Released, ScoredRound

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.preferences import Pair
    from synthfr.scoring.scores import Score

__all__ = ["Books", "NotReleasable", "Released", "ScoredRound", "release"]

_WAYS = {"order": order.released, "raw": raw.released, "population": population.released}


def release(
    scores: pd.DataFrame,
    candidates: pd.DataFrame,
    params: Score,
    pair: Pair,
    random_seed: int,
    books: Books | None = None,
    *,
    min_documents: int,
) -> Released:
    """What `params.release` lets out of a round's `scores` (PRIVATE_SCORES) of its public
    `candidates` (CANDIDATES). `random_seed` is the round's, as `preferences.choose` wants it;
    `population` alone takes `books`. Counts below `min_documents` stay.

    Scores of other candidates are a UserError.
    """
    matched(candidates, scores)
    scored = ScoredRound(scores, candidates, params, pair, random_seed, min_documents, books)
    return _WAYS[params.release](scored)
