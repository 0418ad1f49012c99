"""Which candidate of each prompt is chosen and which rejected, by their totals.

The best candidate of a prompt is set against its worst. Three things are held in check, because a
reward that is pulled too hard pays for them: brevity (`max_length_ratio`), gaps that are noise
(`min_margin`) and the same few safest phrases chosen for every prompt (`novelty_weight`). Which
prompts teach at all may be left to a ranking of the round's candidates (`best_candidates`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from synthfr import seeding
from synthfr.diversity import Novelty
from synthfr.errors import UserError
from synthfr.records import ORDERS, SCORES
from synthfr.section import Count, NonNegative, Section

if TYPE_CHECKING:
    import pandas as pd


class Pair(Section):
    """Parameters `pair`: see the comments in params.yaml."""

    min_margin: NonNegative = 0.02
    best_candidates: Count | None = None  # None: all
    max_pairs: Count | None = 250  # None: all
    max_length_ratio: Annotated[float, Field(ge=1)] | None = 1.5  # None: any
    novelty_weight: NonNegative = 0.0


COUNTS = (
    "prompts",
    "candidates",
    "empty_candidates",
    "unjudged_candidates",  # no total, for want of a judgement
    "unfinished_candidates",
    "dropped_single",  # fewer than two candidates with a text and a total
    "dropped_tie",  # all totals (or texts) alike
    "dropped_margin",  # best and worst nearer than min_margin
    "dropped_length",  # no combination within max_length_ratio
    "dropped_cap",  # over max_pairs
    "not_best_worst",  # length or an unfinished text forced another combination
    "chosen_unfinished",
    "pairs",
)
DROPPED_BEST = "dropped_best"  # counted with `best_candidates`: prompts without one of them


@dataclass(frozen=True)
class Choice:
    """`orders` (ORDERS): what was chosen of each prompt; `counts`: how many rows were dropped, and
    why.
    """

    orders: pd.DataFrame
    counts: dict[str, int]


@dataclass(frozen=True)
class _Candidate:
    number: int
    text: str
    n_tokens: int
    finished: bool
    total: float
    adjusted: float


@dataclass(frozen=True)
class _Pair:
    prompt_id: str
    chosen: _Candidate
    rejected: _Candidate


def choose(
    candidates: pd.DataFrame, scores: pd.DataFrame, params: Pair, random_seed: int
) -> Choice:
    """What is chosen of each prompt, at most one pair: a row for every prompt, sorted by id.

    `candidates` (CANDIDATES) and `scores` (SCORES, of which `total` counts) are joined by id; rows
    that do not match are a UserError. A prompt's pair is the one with the greatest margin among
    those that keep `min_margin` and `max_length_ratio` (tokens, either way). Ties, empty texts and
    candidates without a total never pair; a candidate cut at the token limit is chosen only where
    no candidate of its prompt was finished. With `best_candidates` only the round's so many highest
    totals are chosen, against any candidate of their prompt. With `novelty_weight` above 0 both
    sides are picked by total - weight x overuse (`diversity.Novelty`), prompts in seeded order.
    `max_pairs` keeps the pairs with the highest chosen totals, and as many of the best candidates,
    which need no pair.
    """
    joined = matched(candidates, scores)
    by_prompt = {str(prompt_id): rows for prompt_id, rows in joined.groupby("prompt_id")}
    novelty = Novelty(joined["text"].tolist()) if params.novelty_weight > 0 else None
    counts: Counter[str] = Counter(prompts=len(by_prompt), candidates=len(joined))
    ranked = _ranked(joined, params.best_candidates)
    found: list[_Pair] = []
    best: dict[str, _Candidate] = {}
    for prompt_id in sorted(by_prompt, key=lambda one: seeding.derive(random_seed, "pair", one)):
        usable = _usable(by_prompt[prompt_id], novelty, params.novelty_weight, counts)
        eligible = [one for one in usable if one.finished] or usable
        if ranked is not None:
            eligible = [one for one in eligible if (prompt_id, one.number) in ranked]
        if eligible:
            best[prompt_id] = max(eligible, key=lambda one: (one.adjusted, -one.number))
        pair = _choose(prompt_id, usable, eligible, params, counts)
        if pair is not None:
            found.append(pair)
            if novelty is not None:
                novelty.take(pair.chosen.text)
    kept = sorted(found, key=lambda pair: (-pair.chosen.total, pair.prompt_id))[: params.max_pairs]
    top = sorted(best, key=lambda one: (-best[one].total, one))[: params.max_pairs]
    counts["chosen_unfinished"] = sum(not pair.chosen.finished for pair in kept)
    counts["dropped_cap"] = len(found) - len(kept)
    counts["pairs"] = len(kept)
    names = COUNTS if ranked is None else (*COUNTS, DROPPED_BEST)
    return Choice(
        orders=_orders(
            sorted(by_prompt),
            best={one: best[one].number for one in top},
            chosen={pair.prompt_id: pair.chosen.number for pair in kept},
            rejected={pair.prompt_id: pair.rejected.number for pair in kept},
        ),
        counts={name: counts[name] for name in names},
    )


def matched(candidates: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """`candidates` (CANDIDATES) with the `total` that `scores` (SCORES) have of each, sorted by
    their key; a candidate of one of the two tables alone is a UserError.
    """
    key = list(SCORES.key)
    joined = candidates.merge(scores[[*key, "total"]], on=key, how="outer", indicator=True)
    for side, fault, stage in (
        ("left_only", "has no score", "score"),
        ("right_only", "is scored but not among the candidates", "generate"),
    ):
        lost = joined[joined["_merge"] == side]
        if len(lost):
            row = lost.iloc[0]
            raise UserError(
                f"Candidates and scores do not match in {len(lost)} rows: candidate "
                f"{int(row['candidate'])} of prompt {row['prompt_id']!r} {fault}: run this round's "
                f"{stage} stage again."
            )
    return joined.drop(columns="_merge").sort_values(key, ignore_index=True)


def _ranked(joined: pd.DataFrame, best_candidates: int | None) -> set[tuple[str, int]] | None:
    """Prompt and number of the candidates that may be chosen: so many with a text and the highest
    totals; None: all.
    """
    if best_candidates is None:
        return None
    usable = joined[joined["total"].notna() & joined["text"].map(lambda text: bool(text.strip()))]
    # rows are sorted by prompt and number, which decide between equal totals
    top = usable.sort_values("total", ascending=False, kind="stable")[:best_candidates]
    return set(zip(top["prompt_id"].tolist(), top["candidate"].tolist(), strict=True))


def _usable(
    rows: pd.DataFrame, novelty: Novelty | None, weight: float, counts: Counter[str]
) -> list[_Candidate]:
    """The candidates of one prompt that have a text and a total."""
    usable = []
    names = ("candidate", "text", "n_tokens", "finish_reason", "total")
    columns = (rows[name].tolist() for name in names)
    for number, text, n_tokens, finish_reason, total in zip(*columns, strict=True):
        finished = finish_reason == "stop"
        counts["unfinished_candidates"] += not finished
        if not text.strip():
            counts["empty_candidates"] += 1
            continue
        if math.isnan(total):
            counts["unjudged_candidates"] += 1
            continue
        price = 0.0 if novelty is None else weight * novelty.overuse(text)
        usable.append(_Candidate(number, text, n_tokens, finished, total, total - price))
    return usable


def _choose(
    prompt_id: str,
    usable: Sequence[_Candidate],
    eligible: Sequence[_Candidate],
    params: Pair,
    counts: Counter[str],
) -> _Pair | None:
    """The allowed combination with the greatest adjusted margin; or None, the reason counted."""
    if len(usable) < 2:
        counts["dropped_single"] += 1
        return None
    if not eligible:
        counts[DROPPED_BEST] += 1
        return None
    unlike = [
        (chosen, rejected)
        for chosen in eligible
        for rejected in usable
        if chosen.total > rejected.total and chosen.text != rejected.text
    ]
    clear = [both for both in unlike if both[0].total - both[1].total >= params.min_margin]
    most = math.inf if params.max_length_ratio is None else params.max_length_ratio
    allowed = [both for both in clear if _length_ratio(*both) <= most]
    if not allowed:
        reason = (
            "dropped_tie" if not unlike else "dropped_margin" if not clear else "dropped_length"
        )
        counts[reason] += 1
        return None
    chosen, rejected = max(
        allowed,
        key=lambda both: (
            both[0].adjusted - both[1].adjusted,
            both[0].total,
            -both[0].number,
            -both[1].number,
        ),
    )
    highest, lowest = (pick(one.adjusted for one in usable) for pick in (max, min))
    counts["not_best_worst"] += chosen.adjusted < highest or rejected.adjusted > lowest
    return _Pair(prompt_id, chosen, rejected)


def _length_ratio(one: _Candidate, other: _Candidate) -> float:
    shorter, longer = sorted((one.n_tokens, other.n_tokens))
    return longer / max(shorter, 1)


def _orders(prompt_ids: Sequence[str], **numbers: Mapping[str, int]) -> pd.DataFrame:
    """A row for every prompt; null where one of `numbers`, each a column, has none."""
    import pandas as pd

    columns = {
        name: pd.array([of.get(one) for one in prompt_ids], dtype="Int8")
        for name, of in numbers.items()
    }
    return pd.DataFrame({"prompt_id": list(prompt_ids), **columns}, columns=ORDERS.schema.names)
