"""Long reports in which two words, side by side, stand for a code: what a coder has to find."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synthfr.coding.coder import Validation
from synthfr.coding.coders import CoderSettings, coder

PHRASES = {"I10": "signe0a signe0b", "E11": "signe1a signe1b", "J18": "signe2a signe2b"}
LABELS = list(PHRASES)
FILLER = ["patient", "examen", "ce", "jour", "sans", "fait"]
SHORTEST, LONGEST = 50, 600  # words of a report


def reports(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts, and their labels, shape (n, 3): each label in about every third report. The first
    report is the longest, and says what it has to say at its beginning.
    """
    rng = np.random.default_rng(seed)
    truth = rng.random((n, len(LABELS))) < 0.35
    texts = []
    for number, row in enumerate(truth):
        # as lengths of reports are: many short ones, few long ones
        words = LONGEST if number == 0 else int(SHORTEST * (LONGEST / SHORTEST) ** rng.random())
        text = rng.choice(FILLER, words).tolist()
        for label in np.flatnonzero(row):
            text.insert(int(rng.integers(0, 40 if number == 0 else words)), PHRASES[LABELS[label]])
        texts.append(" ".join(text))
    return texts, truth


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(truth, scores, average="macro"))


def judged(
    params: CoderSettings,
    scratch: Path,
    *,
    permuted: bool = False,
    n: Sequence[int] = (160, 40, 60),
) -> tuple[float, float]:
    """mAP over labels of a coder on reports that it has not seen, and that of the label prior;
    `permuted`: it was trained on the labels of other reports.
    """
    texts, truth = reports(sum(n), seed=1)
    train, validation, test = np.split(np.arange(sum(n)), np.cumsum(n)[:2])
    taught = truth.copy()
    if permuted:
        rows = np.concatenate([train, validation])
        taught[rows] = np.random.default_rng(0).permutation(truth[rows])
    scores = coder(texts, params, 0, scratch).scores(
        train, taught[train], test, Validation(validation, taught[validation])
    )
    return average_precision(truth[test], scores), float(truth[test].mean(axis=0).mean())
