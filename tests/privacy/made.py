"""Private sides and synthetic texts of known origin, from the demo's grammar: copies of train,
rewordings of it, and independent reports of the same hospital.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from synthfr.corpora import demo
from synthfr.privacy.sides import Sides

SIZE = 120  # of each side


@cache
def _corpus() -> pd.DataFrame:
    """Reports of one hospital, as many as three sides."""
    sizes = demo.DemoSizes(public=1, private_train=3 * SIZE, private_holdout=1)
    return demo.corpus(sizes, 0).private_train


def sides(draw: int = 0) -> tuple[Sides, pd.DataFrame]:
    """Train and holdout, and as many independent reports; dealt anew by each draw."""
    order = np.random.default_rng(draw).permutation(3 * SIZE)
    train, holdout, others = (_corpus().iloc[part] for part in np.split(order, 3))
    return Sides.of(train, holdout, 0), others


def copies(of: Sides, number: int) -> list[int]:
    """Positions of so many train reports."""
    return [int(one) for one in np.flatnonzero(of.is_train)[:number]]


def reworded(text: str, draw: int = 0) -> str:
    """Every seventh word another one of the text, and the lines in another order."""
    rng = np.random.default_rng(draw)
    words = text.split()
    lines = [
        " ".join(
            w if rng.random() > 1 / 7 else words[rng.integers(len(words))] for w in line.split()
        )
        for line in text.splitlines()
    ]
    return "\n".join(lines[i] for i in rng.permutation(len(lines)))


def trained_on(texts: list[str], number: int, draw: int = 0) -> list[str]:
    """What a generator says that has learnt from `texts` which word follows which three."""
    rng = np.random.default_rng(draw)
    following: dict[tuple[str, ...], list[str]] = {}
    for text in texts:
        words = ["", "", "", *text.split(" "), ""]
        for at in range(3, len(words)):
            following.setdefault(tuple(words[at - 3 : at]), []).append(words[at])
    made = []
    for _ in range(number):
        said = ["", "", ""]
        while len(said) == 3 or (said[-1] and len(said) < 200):
            choices = following[tuple(said[-3:])]
            said.append(choices[rng.integers(len(choices))])
        made.append(" ".join(said[3:]).strip())
    return made
