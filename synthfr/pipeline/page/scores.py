"""What the page shows of the rounds' scores: their distribution where they left the private side,
and that they did not where only the choice left.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

# `population` with and without a guarantee
SUMMED = (
    "The scores of {} are of the private corpus as a whole, not of a candidate's own document "
    "(score.release: population); metrics/release says with how much noise, and what is guaranteed."
)
UNGUARDED = (
    "The scores of {} are of the private corpus as a whole (score.release: population) and left "
    "the private side as numbers without noise (score.dp.epsilon: null): nothing is guaranteed."
)
KEPT = (
    "The scores of {} stayed on the private side: what left is which candidates were chosen "
    "(score.release: order), so that none can be drawn here."
)
LEFT = (
    "The scores of {} left the private side as numbers (score.release: raw): who holds a private "
    "report may recognise by them which candidates were compared with it."
)


@dataclass(frozen=True)
class Scores:
    """`totals` of all candidates by round, where they were released, and sentences about it."""

    totals: Mapping[str, list[float]]
    notes: list[str]


def load(tables: Mapping[str, Path], guaranteed: Collection[str]) -> Scores:
    """Of the released `tables` (SCORES or ORDERS) by round; of those that are `guaranteed` the
    metrics tell a guarantee.
    """
    from synthfr.records import ORDERS, SCORES, kind_of, read_one_of

    totals: dict[str, list[float]] = {}
    kept, summed = [], []
    for name, path in tables.items():
        frame = read_one_of(path, SCORES, ORDERS)
        if kind_of(frame, SCORES, ORDERS) is ORDERS:
            kept.append(name)
        elif len(frame):
            totals[name] = [float(value) for value in frame["total"]]
            # the total alone, where it is not made of scores that left with it
            if frame.drop(columns=[*SCORES.key, "total"]).isna().all(axis=None):
                summed.append(name)
    told = (
        (LEFT, [one for one in totals if one not in summed]),
        (UNGUARDED, [one for one in summed if one not in guaranteed]),
        (SUMMED, [one for one in summed if one in guaranteed]),
        (KEPT, kept),
    )
    return Scores(totals, [text.format(", ".join(names)) for text, names in told if names])
