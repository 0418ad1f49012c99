"""temporary"""

from __future__ import annotations

from synthfr import seeding


def reword(text: str, language: str, seed: int) -> str:
    words = text.split()
    rng = seeding.rng(seed, "x")
    for at in range(0, len(words) - 1, 4):
        if rng.random() < 0.7:
            words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)
