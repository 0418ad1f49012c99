"""Small private sides, and a test that needs no library."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthfr.privacy.comparison import compare, mean_of
from synthfr.privacy.findings import Finding
from synthfr.privacy.sides import Sides

WORDS = [f"mot{number}" for number in range(400)]


def reports(side: str, n: int = 60, seed: int = 0, patients: int | None = None) -> pd.DataFrame:
    """Reports of random words."""
    rng = np.random.default_rng([seed, len(side)])
    texts = [" ".join(rng.choice(WORDS, 30)) for _ in range(n)]
    return pd.DataFrame(
        {
            "report_id": [f"{side}{number}" for number in range(n)],
            "text": texts,
            "codes": [["I10"]] * n,
            "keywords": [["HTA"]] * n,
            "language": "fr",
            "patient_id": [f"{side} {number % (patients or n)}" for number in range(n)],
        }
    )


def sides(n: int = 60, patients: int | None = None) -> Sides:
    frames = (reports(side, n, patients=patients) for side in ("train", "holdout"))
    return Sides.of(*frames, 0)


class Copied:
    """Share of the private reports that stand in a set, word for word."""

    name = "copied_runs"

    def __init__(self, compared: Sides, *, at_once: bool = False) -> None:
        self.sides, self.at_once = compared, at_once  # whether one copy is one too many
        self.asked = 0

    def measure(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        known = set(texts)
        return np.array([text in known for text in self.sides.texts])

    def join(self, one: NDArray[np.bool_], more: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return one | more

    def finding(self, state: NDArray[np.bool_]) -> Finding:
        self.asked += 1
        compared = compare(self.sides, mean_of(state.astype(np.float64)), 0)
        copied = bool(state[self.sides.is_train].any())
        return Finding.of(self.name, "individualisation", compared, exceeds=self.at_once and copied)


def backwards(text: str, language: str, seed: int) -> str:
    """A report in other words."""
    return " ".join(reversed(text.split()))


def unchanged(text: str, language: str, seed: int) -> str:
    return text
