"""What was chosen of each prompt as tables: pairs for DPO, best-of rows for SFT, rows for KTO."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthfr.errors import UserError
from synthfr.preferences.choice import Pair, choose
from synthfr.records import ORDERS, PAIRS, SCORES, Table, empty, kind_of

if TYPE_CHECKING:
    import pandas as pd

# in TRL's formats, plus the ids, which its trainers ignore
BEST_OF = Table(
    "best-of",
    pa.schema(
        {
            "prompt_id": pa.string(),
            "prompt": pa.string(),
            "completion": pa.string(),
            "score": pa.float32(),
        }
    ),
    key=("prompt_id",),
    text=("prompt_id", "prompt", "completion"),
    nullable=("score",),  # only the choice left the private side
)
KTO = Table(
    "kto",
    pa.schema(
        {
            "prompt_id": pa.string(),
            "candidate": pa.int8(),
            "prompt": pa.string(),
            "completion": pa.string(),
            "label": pa.bool_(),
        }
    ),
    key=("prompt_id", "candidate"),
    text=("prompt_id", "prompt", "completion"),
)


@dataclass(frozen=True)
class PairResult:
    """`pairs` (PAIRS), `best_of`, `kto`, how many rows there are (and, where the choice was made
    here, how many were dropped and why), and means.
    """

    pairs: pd.DataFrame
    best_of: pd.DataFrame
    kto: pd.DataFrame
    counts: dict[str, int]
    means: dict[str, float]


@dataclass(frozen=True)
class _Side:
    """A candidate that was chosen or rejected; `total` is None where it was not released."""

    number: int
    text: str
    n_tokens: int
    finished: bool
    total: float | None


def pairs(
    candidates: pd.DataFrame,
    released: pd.DataFrame,
    prompts: pd.DataFrame,
    params: Pair,
    random_seed: int,
) -> PairResult:
    """Preference data of one round, at most one pair a prompt.

    `released` is what left the private side: SCORES, of which `choose` then chooses here, or
    ORDERS, of which it has chosen there; the texts are the same, the scores and margins are null
    without totals. `candidates` (CANDIDATES) and `prompts` (PROMPTS) are joined to it by id; rows
    that do not match are a UserError.
    """
    asked = dict(zip(prompts["prompt_id"], prompts["prompt"], strict=True))
    if unknown := set(candidates["prompt_id"]) - set(asked):
        raise UserError(
            f"{len(unknown)} prompts of the candidates are not in the prompts table, such as "
            f"{min(unknown)!r}: run this round's generate stage again."
        )
    totals: dict[tuple[str, int], float] = {}
    if kind_of(released, SCORES, ORDERS) is SCORES:
        choice = choose(candidates, released, params, random_seed)
        orders, counts = choice.orders, choice.counts
        columns = ("prompt_id", "candidate", "total")
        rows = zip(*(released[name].tolist() for name in columns), strict=True)
        totals = {(prompt_id, number): total for prompt_id, number, total in rows}
    else:
        orders = released
        counts = {"prompts": len(orders), "candidates": len(candidates)}
    sides = _sides(candidates, totals)
    kept = list(_taken(orders, sides, "chosen", "rejected"))
    best = list(_taken(orders, sides, "best"))
    counts |= {"pairs": len(kept)}
    counts |= {"chosen_unfinished": sum(not chosen.finished for _, (chosen, _) in kept)}
    return PairResult(
        pairs=_frame(PAIRS, [_pair_row(one, asked[one], *both) for one, both in kept]),
        best_of=_frame(
            BEST_OF, [(one, asked[one], side.text, side.total) for one, (side,) in best]
        ),
        kto=_frame(
            KTO,
            [
                (one, side.number, asked[one], side.text, label)
                for one, both in kept
                for side, label in zip(both, (True, False), strict=True)
            ],
        ),
        counts=counts,
        means=_means([both for _, both in kept], sides.values()),
    )


def _sides(
    candidates: pd.DataFrame, totals: Mapping[tuple[str, int], float]
) -> dict[tuple[str, int], _Side]:
    names = ("prompt_id", "candidate", "text", "n_tokens", "finish_reason")
    columns = (candidates[name].tolist() for name in names)
    return {
        (prompt_id, number): _Side(
            number, text, n_tokens, finish == "stop", totals.get((prompt_id, number))
        )
        for prompt_id, number, text, n_tokens, finish in zip(*columns, strict=True)
    }


def _taken(
    orders: pd.DataFrame, sides: Mapping[tuple[str, int], _Side], *columns: str
) -> Iterator[tuple[str, tuple[_Side, ...]]]:
    """Prompt and candidates of the rows in which all `columns` name one, sorted by prompt."""
    if {prompt_id for prompt_id, _ in sides} != set(orders["prompt_id"]):
        raise UserError(
            "The candidates and what is released of their scores are not of the same prompts: "
            "run this round's release stage again."
        )
    named = orders.dropna(subset=list(columns)).sort_values("prompt_id")
    for prompt_id, *numbers in named[["prompt_id", *columns]].itertuples(index=False, name=None):
        lost = [number for number in numbers if (prompt_id, number) not in sides]
        if lost:
            raise UserError(
                f"Candidate {lost[0]} of prompt {prompt_id!r} is released as {' or '.join(columns)}"
                ", but not among the candidates: run this round's release stage again."
            )
        yield prompt_id, tuple(sides[prompt_id, number] for number in numbers)


def _pair_row(prompt_id: str, prompt: str, chosen: _Side, rejected: _Side) -> tuple[Any, ...]:
    return (prompt_id, prompt, chosen.text, rejected.text, *_scores(chosen, rejected))


def _scores(chosen: _Side, rejected: _Side) -> tuple[float | None, float | None, float | None]:
    """Totals and margin, where they were released."""
    if chosen.total is None or rejected.total is None:
        return None, None, None
    return chosen.total, rejected.total, chosen.total - rejected.total


def _means(kept: Sequence[tuple[_Side, ...]], sides: Iterable[_Side]) -> dict[str, float]:
    """What the reward pays for: tokens, and totals where they were released, of the chosen and the
    rejected, beside those of all.
    """
    everyone = list(sides)
    means = {"tokens": fmean(side.n_tokens for side in everyone)}
    totals = [side.total for side in everyone if side.total is not None]
    if totals := [total for total in totals if not math.isnan(total)]:
        means["total"] = fmean(totals)
    for place, name in enumerate(("chosen", "rejected")):
        taken = [both[place] for both in kept]
        if taken:
            means[f"{name}_tokens"] = fmean(side.n_tokens for side in taken)
        if of_them := [side.total for side in taken if side.total is not None]:
            means[f"{name}_total"] = fmean(of_them)
    margins = [margin for both in kept if (margin := _scores(*both)[2]) is not None]
    return means | ({"margin": fmean(margins)} if margins else {})


def _frame(table: Table, rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=table.schema.names) if rows else empty(table)
