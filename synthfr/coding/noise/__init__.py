"""Is the gap between a synthetic and a real coder what noise in the training texts would make?

Real training reports are made noisy in two ways (`injection`), coders learn from them, and the
noise whose coder errs most like the synthetic one is named (`nearest`).
"""

from synthfr.coding.noise.injection import CONCENTRATED, HYPOTHESES, SPREAD, inject
from synthfr.coding.noise.nearest import NO_NOISE, Axes, Errs, Point, nearest
from synthfr.coding.noise.settings import Noise
from synthfr.coding.noise.trained import decisions_of, train_noisy

__all__ = [
    "CONCENTRATED",
    "HYPOTHESES",
    "NO_NOISE",
    "SPREAD",
    "Axes",
    "Errs",
    "Noise",
    "Point",
    "decisions_of",
    "inject",
    "nearest",
    "train_noisy",
]
