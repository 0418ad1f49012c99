"""Reports in which every code has its own words: a task whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthfr.coding.coders import CoderSettings
from synthfr.coding.grid import Classify

CODES = ["I10", "E11.9", "J18.9", "N17.9", "C50.9", "F32.9"]
WORDS = {code: [f"signe{index}{letter}" for letter in "abc"] for index, code in enumerate(CODES)}
SPACE = ["I10", "E11", "J18", "N17", "C50", "F32"]


def reports(n: int, seed: int, prefix: str = "r") -> pd.DataFrame:
    """Reports of 1-3 codes, frequent ones first; two of the three words of each code appear."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(2, len(CODES) + 2)
    rows = []
    for number in range(n):
        codes = rng.choice(CODES, rng.integers(1, 4), replace=False, p=weights / weights.sum())
        words = [word for code in codes for word in rng.choice(WORDS[code], 2, replace=False)]
        filler = rng.choice(["patient", "examen", "ce", "jour", "sans", "fait"], 6)
        text = " ".join(rng.permutation([*words, *filler]))
        rows.append((f"{prefix}{number}", text, list(codes), [], "fr"))
    return pd.DataFrame(rows, columns=["report_id", "text", "codes", "keywords", "language"])


def coder(kind: str = "tfidf", **encoder: object) -> CoderSettings:
    settings: dict[str, object] = {
        "model": None,
        "learning_rate": 1e-3,
        "epochs": 2,
        "min_steps": 0,
        "batch_size": 8,
        "device_batch_size": 8,
        "max_length": 64,
        "warmup_ratio": 0.1,
        "weight_decay": 0.01,
        "patience": 2,
        "precision": "float32",
    }
    tfidf = {"max_ngram": 2, "model": "svm", "C": 1.0}
    return CoderSettings.model_validate(
        {"kind": kind, "tfidf": tfidf, "encoder": settings | encoder}
    )


def params(**changes: object) -> Classify:
    values: dict[str, object] = {
        "coder": coder(),
        "sizes": [60, 120],
        "top_k": [3, 6],
        "seeds": [0, 1, 2],
        "evaluations": ["unbiased", "original"],
        "decision_rule": "global_threshold",
        "validation_share": 0.2,
        "max_labels": 10,
    }
    return Classify.model_validate(values | changes)
