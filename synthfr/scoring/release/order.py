"""`score.release: order`: the choice is made on the private side, and only the choice leaves.

A float that an outsider can recompute from a suspect's text identifies that text. The choice is
what pairs and best-of rows show anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthfr.preferences import choose
from synthfr.records import ORDERS
from synthfr.scoring.coarse import coarse
from synthfr.scoring.release.gate import Released, ScoredRound, orders_may_leave

if TYPE_CHECKING:
    import pandas as pd

_PUBLIC_REASON = "dropped_single"  # too few candidates with a text and a judgement
_FEW = "few"


def released(scored: ScoredRound) -> Released:
    """ORDERS of the round, and `counts`: how many prompts gave no pair, and why. Which ones gave
    none, the table tells; the counts add the reasons, over the round (`without_few`).
    """
    choice = choose(scored.candidates, scored.scores, scored.pair, scored.random_seed)
    counts = without_few(choice.counts, scored.min_documents)
    return Released(
        orders_may_leave(choice.orders, scored.candidates),
        ORDERS,
        {"counts": counts, "total": _total(scored.scores)},
        ", ".join(f"{name} {_FEW if one is None else one}" for name, one in counts.items()),
    )


def without_few(counts: Mapping[str, int], min_documents: int) -> dict[str, int | None]:
    """Counts of a choice. A reason of fewer prompts than `min_documents`, and of more than none, is
    None. Since the table tells how many prompts have no pair, a single reason that is not told
    would follow from the others: then the next least one is not told either. What the candidates
    and the table tell by themselves is no secret.
    """
    shown: dict[str, int | None] = dict(counts)
    reasons = [name for name in counts if name.startswith("dropped_") and name != _PUBLIC_REASON]
    for name in (*reasons, "not_best_worst"):
        if 0 < counts[name] < min_documents:
            shown[name] = None
    if sum(shown[name] is None for name in reasons) == 1:
        told = [name for name in reasons if shown[name] is not None]
        shown[min(told, key=lambda name: (counts[name] == 0, counts[name]))] = None
    return shown


def _total(scores: pd.DataFrame) -> dict[str, float | None]:
    """Mean of the totals, coarsely; None for a round of few documents."""
    judged = scores.dropna(subset=["total"])
    return {"mean": coarse(judged["total"].mean(), judged["prompt_id"].nunique())}
