"""Figures over private documents that leave: coarse, and of many documents only.

What the mean of a round's totals gives away: who holds every document of the round but one could
find the last by a mean of eight digits. Told to two decimals, and over so many documents, one of
them moves it by one unit of the last decimal at most (by two where an encoder's similarities can be
negative). A standard deviation is not told: one extreme total moves it by several units.
"""

from __future__ import annotations

DECIMALS = 2
MIN_PROMPTS = 100  # a hundredth each


def coarse(figure: float, prompts: int) -> float | None:
    """A mean, or a share, over documents of so many `prompts`, or patients; None of few."""
    return round(float(figure), DECIMALS) if prompts >= MIN_PROMPTS else None
