"""`score.release: order`: the choice is made on the private side, and only the choice leaves.

A float that an outsider can recompute from a suspect's text identifies that text. The choice is
what pairs and best-of rows show anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.preferences import choose
from synthfr.records import ORDERS
from synthfr.scoring.coarse import coarse
from synthfr.scoring.release.gate import Released, ScoredRound, orders_may_leave

if TYPE_CHECKING:
    import pandas as pd


def released(scored: ScoredRound) -> Released:
    """ORDERS of the round, and `counts`: how many prompts gave no pair, and why. Which ones gave
    none, the table tells; the counts add the reasons, over the round.
    """
    choice = choose(scored.candidates, scored.scores, scored.pair, scored.random_seed)
    return Released(
        orders_may_leave(choice.orders, scored.candidates),
        ORDERS,
        {"counts": choice.counts, "total": _total(scored.scores)},
        ", ".join(f"{name} {number}" for name, number in choice.counts.items()),
    )


def _total(scores: pd.DataFrame) -> dict[str, float | None]:
    """Mean of the totals, coarsely; None for a round of few documents."""
    judged = scores.dropna(subset=["total"])
    return {"mean": coarse(judged["total"].mean(), judged["prompt_id"].nunique())}
