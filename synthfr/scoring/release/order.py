"""`score.release: order`: the choice is made on the private side, and only the choice leaves.

A float that an outsider can recompute from a suspect's text identifies that text; which of a few
candidates was chosen says little more than the pairs must say anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthfr.preferences import choose
from synthfr.records import ORDERS
from synthfr.scoring.release.gate import Released, ScoredRound, orders_may_leave

if TYPE_CHECKING:
    import pandas as pd

# What mean and spread of a round's totals give away: who holds every document of the round but one
# could find the last by a figure told to eight digits. Told to two decimals, and over so many
# documents, one of them (totals lie in [0, 1]) moves the mean by no more than one unit of the last
# decimal: it shows only where the mean was near a rounding boundary, and then as one bit.
DECIMALS = 2
MIN_PROMPTS = 100  # a hundredth each


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


def _total(scores: pd.DataFrame) -> dict[str, Any]:
    """Mean and standard deviation of the totals, coarsely; None for a round of few documents."""
    totals = scores["total"].dropna()
    if scores.loc[totals.index, "prompt_id"].nunique() < MIN_PROMPTS:
        return {"mean": None, "sd": None}
    figures = {"mean": totals.mean(), "sd": totals.std(ddof=0)}
    return {name: round(float(figure), DECIMALS) for name, figure in figures.items()}
