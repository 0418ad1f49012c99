"""What a round lets out of the documents behind its prompts: by its scores, its prompts, its texts.

Can a document be told by it, and linked to its prompt?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthfr.privacy import verdicts
from synthfr.privacy.findings import Finding
from synthfr.privacy.linkage.attack import attack
from synthfr.privacy.linkage.round_texts import round_texts
from synthfr.privacy.linkage.suspects import Linkage, Round, drawn
from synthfr.privacy.verdicts import Gate

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.keywords.export import Keywords
    from synthfr.preferences import Pair
    from synthfr.scoring.scores import Score

__all__ = ["Audit", "Linkage", "Round", "attack", "audit", "round_texts"]


@dataclass(frozen=True)
class Audit:
    """`findings`: of what has left, as it has left; `measures`: those, and what else would tell."""

    findings: Sequence[Finding]
    measures: Mapping[str, Any]
    gate: Gate

    def as_dict(self) -> dict[str, Any]:
        """Numbers for the metrics file: measures, verdict and tests. No leak of a known size can be
        planted in a round's tables, so that a test which finds nothing `cannot tell`.
        """
        judged = verdicts.judge(self.findings, {}, self.gate)
        return {**self.measures, **verdicts.as_dict(judged)}


def audit(
    round_: Round,
    pairs: pd.DataFrame,
    best_of: pd.DataFrame,
    settings: Linkage,
    score: Score,
    pair: Pair,
    keywords: Keywords,
    *,
    ngram: int,
    gate: Gate,
    random_seed: int,
) -> Audit:
    """The linkage attack on a round, and whether its texts repeat passages of `ngram` words of the
    documents behind them, for at most `settings.prompts` prompts.

    `pairs` (PAIRS) and `best_of` are the round's. A round with too few documents is not attacked:
    then no figure of the attack is there.
    """
    findings, measures = attack(round_, settings, score, pair, keywords, random_seed)
    of_round = round_.keyed[round_.keyed["prompt_id"].isin(set(round_.candidates["prompt_id"]))]
    asked = set(drawn(of_round, "prompt_id", settings.prompts, random_seed)["prompt_id"])
    tables = {
        "candidates": round_.candidates,
        "chosen": pairs.rename(columns={"chosen": "text"}),
        "best_of": best_of.rename(columns={"completion": "text"}),
    }
    texts, of_texts = round_texts(
        {name: one[one["prompt_id"].isin(asked)] for name, one in tables.items()},
        round_.keyed,
        round_.holdout,
        ngram,
        random_seed,
    )
    found = [*findings, *([texts] if texts else [])]
    return Audit(found, {**measures, "round_texts": of_texts}, gate)
