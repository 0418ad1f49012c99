"""`score.release: raw`: the floats themselves leave, as in the published system: the total, and the
parts that make it.

A part that an outsider can recompute (BLEU, a public encoder's similarity) links a candidate to
the private document behind it. What has no weight in the total serves nobody outside, and stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from synthfr.records import SCORES
from synthfr.scoring.release.gate import Released, ScoredRound, scores_may_leave

if TYPE_CHECKING:
    import pandas as pd

RISK = (
    "who holds a private report may recognise by them which candidates were compared with it "
    "(score.release: order keeps them inside)"
)


def released(scored: ScoredRound) -> Released:
    """SCORES of the round, parts without a weight null, and what `describe` says of them."""
    table = scored.scores.copy()
    weighted = {name for name, weight in scored.weights if weight > 0}
    for name in table.columns.drop([*SCORES.key, "total"]):
        if name not in weighted:
            table[name] = np.full(len(table), np.nan, dtype=np.float32)
    table = scores_may_leave(table, scored.candidates, weighted)
    return Released(table, SCORES, describe(table), f"The scores leave as numbers: {RISK}.")


def describe(scores: pd.DataFrame) -> dict[str, Any]:
    """Mean and standard deviation of each column that has values; mean distance between a prompt's
    best and worst total (`spread`). They say no more than the floats, which leave with them.
    """
    values = scores.drop(columns=list(SCORES.key))
    by_prompt = scores.groupby("prompt_id")["total"]
    return {
        "spread": float((by_prompt.max() - by_prompt.min()).mean()),
        **{
            name: {"mean": float(values[name].mean()), "sd": float(values[name].std(ddof=0))}
            for name in values.columns[values.notna().any()]
        },
    }
