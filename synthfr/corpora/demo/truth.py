"""The truth behind a demo report: who the patient is, which codes hold, what is known of each.

The report is only a rendering of this record (``grammar.py``), so codes never have to be guessed
back from the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from synthfr.corpora.demo.knowledge import KINDS, Kind, Knowledge

T = TypeVar("T")

SIZE_SHARES = {2: 0.35, 3: 0.40, 4: 0.25}
"""Share of stays with so many codes."""
MAX_PAST = 1
"""Problems of a stay that are antecedents, at most: a tiny model loses its place in longer lists
of them (measured: 9 % of the requested codes left out, with up to three)."""
COMPANION_BOOST = 6.0
"""A category becomes this many times likelier for each companion already chosen (plus one)."""


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of ``items``, all equally likely."""
    return items[int(rng.random() * len(items))]


def weighted(rng: np.random.Generator, items: Sequence[T], weights: Sequence[float]) -> T:
    """One of ``items``, drawn in proportion to ``weights``."""
    mark = rng.random() * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        mark -= weight
        if mark < 0:
            return item
    return items[-1]


@dataclass(frozen=True)
class Problem:
    """One code of a stay; ``kinds`` says which of its facts are written down."""

    code: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Stay:
    """One hospital stay. ``active`` starts with the main problem; ``past`` are antecedents."""

    sex: str
    age: int
    day: int
    month: int
    active: tuple[Problem, ...]
    past: tuple[Problem, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes of the stay, the main one first."""
        return tuple(problem.code for problem in self.active + self.past)


def frequency(knowledge: Knowledge) -> dict[str, float]:
    """Long-tailed weight of each category: 1 / (rank + 3) ** 0.85, a shifted Zipf law."""
    return {code: 1.0 / (rank + 3) ** 0.85 for rank, code in enumerate(knowledge.codes)}


def sample_codes(rng: np.random.Generator, knowledge: Knowledge) -> tuple[str, ...]:
    """Codes that occur together: the first by frequency, the others pulled by their companions."""
    base = frequency(knowledge)
    size = weighted(rng, list(SIZE_SHARES), list(SIZE_SHARES.values()))
    chosen: list[str] = []
    while len(chosen) < size:
        weights = [
            0.0
            if code in chosen
            else base[code]
            * (1 + COMPANION_BOOST * sum(code in knowledge[c].companions for c in chosen))
            for code in knowledge.codes
        ]
        chosen.append(weighted(rng, knowledge.codes, weights))
    start = int(rng.random() * size)
    return tuple(chosen[start:] + chosen[:start])


def sample_stay(
    rng: np.random.Generator,
    knowledge: Knowledge,
    codes: Sequence[str] | None = None,
    max_past: int = MAX_PAST,
) -> Stay:
    """A stay with the given codes, or with codes drawn by ``sample_codes``.

    Of its last problems, at most ``max_past`` are antecedents.
    """
    codes = tuple(codes) if codes is not None else sample_codes(rng, knowledge)
    n_past = min(int(rng.random() * len(codes)), max_past)
    n_active = len(codes) - n_past
    active = [Problem(codes[0], KINDS)]
    for code in codes[1:n_active]:
        left_out = pick(rng, KINDS)
        active.append(Problem(code, tuple(kind for kind in KINDS if kind != left_out)))
    past = [Problem(code, (pick(rng, ("lab", "care")),)) for code in codes[n_active:]]
    return Stay(
        sex=pick(rng, "FM"),
        age=24 + int(rng.random() * 70),
        day=1 + int(rng.random() * 28),
        month=1 + int(rng.random() * 12),
        active=tuple(active),
        past=tuple(past),
    )
