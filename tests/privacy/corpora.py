"""Private and synthetic texts whose overlaps are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthfr.privacy.sides import Sides

ALPHABETS = {
    "latin": "abcdefghijklmnopqrstuvwxyzéèàç",
    "cyrillic": "абвгдежзийклмнопрстуфхцчшщыэюя",
}


def frame(texts: list[str], prefix: str, patients: list[str] | None = None) -> pd.DataFrame:
    columns: dict[str, object] = {
        "report_id": [f"{prefix}{number:04d}" for number in range(len(texts))],
        "text": texts,
        "codes": [["I10"]] * len(texts),
        "language": "fr",
    }
    return pd.DataFrame(columns | ({"patient_id": patients} if patients else {}))


def random_texts(n: int, seed: int, words: int = 30, script: str = "latin") -> list[str]:
    """Texts of random words: two of them share no long sequence."""
    rng = np.random.default_rng(seed)
    letters = list(ALPHABETS[script])
    return [" ".join("".join(rng.choice(letters, 5)) for _ in range(words)) for _ in range(n)]


def sides_of(train: list[str], holdout: list[str]) -> Sides:
    return Sides.of(frame(train, "t"), frame(holdout, "h"), 0)


def copied(source: list[str], share: float, seed: int, script: str = "latin") -> list[str]:
    """Of each text the first words, up to this share; the other words are new."""
    fresh = random_texts(len(source), seed, len(source[0].split()), script)
    cut = round(len(source[0].split()) * share)
    return [
        " ".join([*old.split()[:cut], *new.split()[cut:]])
        for old, new in zip(source, fresh, strict=True)
    ]
