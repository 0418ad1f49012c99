"""The linkage attack on one round: what each channel tells of the documents behind its prompts, and
what each way to release the scores would tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.keywords.export import Keywords
from synthfr.preferences import Pair
from synthfr.privacy.findings import Finding
from synthfr.privacy.linkage.adversaries import Adversaries
from synthfr.privacy.linkage.evidence import Floats, of_floats, of_orders, of_texts
from synthfr.privacy.linkage.suspects import Linkage, Round, Suspects, suspects
from synthfr.records import ORDERS, SCORES, kind_of
from synthfr.scoring.release import release
from synthfr.scoring.scores import Score

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 2
DEALS = 40  # of scores to other prompts, each attacked anew


def attack(
    round_: Round,
    settings: Linkage,
    score: Score,
    pair: Pair,
    keywords: Keywords,
    random_seed: int,
) -> tuple[list[Finding], dict[str, Any]]:
    """Attack a round through its prompts, its candidates' texts, and its scores in every way that
    they may be released: the findings of the way in use, and measures of all. Nothing where the
    round has too few documents to tell.

    An adversary has all that is public, the suspects' texts and every parameter; what is learnt of
    one half of the suspects is used on the other. `published` is the whole table as it left before
    there was a choice, `raw_2_decimals` is `raw` rounded.
    """
    setup = suspects(round_, settings, score, keywords, random_seed)
    if setup is None:
        return [], {}
    adversaries = Adversaries(setup.sides, setup.known, random_seed)
    by_scores = {
        way: evidence_of(table, setup)
        for way, table in _ways(round_, score, pair, keywords, random_seed).items()
    }
    measures = {
        "suspects": int(setup.sides.is_train.sum()),
        "prompts": setup.shape[0],
        "chance": 1 / setup.shape[0],
        "by_prompts": adversaries.told(setup.by_prompts),
        "by_candidates": adversaries.told(of_texts(setup.suspicion)),
        "by_scores": {
            way: adversaries.told(evidence, setup.by_prompts) for way, evidence in by_scores.items()
        },
    }
    evidence = evidence_of(round_.released, setup)
    of_deals = (
        evidence_of(dealt_out(round_.released, setup, random_seed, deal), setup)
        for deal in range(DEALS)
    )
    return adversaries.findings(evidence, setup.by_prompts, of_deals), measures


def evidence_of(table: pd.DataFrame, setup: Suspects) -> Floats:
    """What a released `table` (SCORES or ORDERS) tells, shape (n_suspects, n_prompts)."""
    if kind_of(table, ORDERS, SCORES) is ORDERS:
        rows = table.set_index("prompt_id").loc[setup.prompt_ids]
        chosen = rows["chosen"].fillna(rows["best"])
        return of_orders(setup.suspicion, _numbers(chosen), _numbers(rows["rejected"]))
    parts = table.columns.drop(list(SCORES.key)).tolist()
    parts = [name for name in parts if table[name].notna().any()]
    if len(parts) > 1:
        parts.remove("total")  # is known from its parts
    return of_floats(setup.suspicion, {name: _by_prompt(table, name, setup) for name in parts})


def dealt_out(table: pd.DataFrame, setup: Suspects, random_seed: int, deal: int) -> pd.DataFrame:
    """The control: a released `table` in which each searched prompt's rows are those of another
    one with as many candidates (its own where no other has).
    """
    order = seeding.rng(random_seed, "scores of other prompts", deal).permutation(setup.shape[0])
    n_candidates = np.isfinite(setup.suspicion.means[0, 0]).sum(axis=-1)
    ids = np.array(setup.prompt_ids)
    to: dict[str, str] = {}
    for n in np.unique(n_candidates):
        alike = ids[order[n_candidates[order] == n]]
        to |= dict(zip(alike.tolist(), np.roll(alike, 1).tolist(), strict=True))
    rows = table[table["prompt_id"].isin(to)]
    return rows.assign(prompt_id=rows["prompt_id"].map(to))


def _ways(
    round_: Round, score: Score, pair: Pair, keywords: Keywords, random_seed: int
) -> dict[str, pd.DataFrame]:
    """What would leave, by way to release."""

    def released(way: str) -> pd.DataFrame:
        params = score.model_copy(update={"release": way})
        of_round = seeding.derive(random_seed, round_.name)
        few = keywords.min_documents
        return release(
            round_.scores, round_.candidates, params, pair, of_round, min_documents=few
        ).table

    raw = released("raw")
    floats = raw.columns.drop(list(SCORES.key))
    ways = {
        "published": round_.scores[SCORES.schema.names],  # sums over the corpus are no score
        "raw": raw,
        "raw_2_decimals": raw.assign(**{name: raw[name].round(DECIMALS) for name in floats}),
        "order": released("order"),
    }
    return ways if score.release in ways else ways | {score.release: round_.released}


def _numbers(candidates: pd.Series) -> NDArray[np.int64]:
    return np.asarray(candidates.fillna(-1).to_numpy(dtype=np.int64))


def _by_prompt(table: pd.DataFrame, name: str, setup: Suspects) -> Floats:
    """A column of scores, shape (n_prompts, n_candidates)."""
    place = {one: at for at, one in enumerate(setup.prompt_ids)}
    rows = table[table["prompt_id"].isin(place)]
    found = np.full(setup.shape, np.nan)
    found[rows["prompt_id"].map(place).to_numpy(), rows["candidate"].to_numpy(dtype=np.int64)] = (
        rows[name].to_numpy(dtype=np.float64)
    )
    return found
