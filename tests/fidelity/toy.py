"""Reports of a ward in a few words, whose codes follow from what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd

SAID = {  # of each code, what a ward may write
    "I10": ["HTA connue", "tension à 18/9", "sous amlodipine", "pression haute"],
    "E11": ["diabète ancien", "HbA1c 9,8", "sous metformine", "glycémie à 3 g/l"],
    "J44": ["BPCO stade 3", "dyspnée", "tabac 40 PA", "sous tiotropium"],
    "N39": ["infection urinaire", "brûlures", "ECBU positif", "sous fosfomycine"],
}
PLAIN = ["pas de fièvre", "sommeil bon", "marche seule", "appétit conservé", "vu par Dr. Petit"]


def reports(n: int, seed: int, prefix: str = "r") -> pd.DataFrame:
    """`n` reports of one patient each."""
    rng = np.random.default_rng(seed)
    texts, codes = [], []
    for _ in range(n):
        own = sorted(rng.choice(list(SAID), size=rng.integers(1, 3), replace=False).tolist())
        said = [rng.choice(SAID[code], 2, replace=False).tolist() for code in own]
        plain = rng.choice(PLAIN, 3, replace=False).tolist()
        lines = [f"Motif : {said[0][0]}", f"Examen : {plain[0]}, {plain[1]}."]
        rest = "; ".join(phrase for one in said for phrase in one)
        lines.append(f"Conclusion : {rest}. {plain[2].capitalize()}.")
        texts.append("\n".join(lines))
        codes.append(own)
    ids = [f"{prefix}{number}" for number in range(n)]
    return pd.DataFrame(
        {
            "report_id": ids, "text": texts, "codes": codes, "language": "fr",
            "keywords": [["HTA"]] * n, "patient_id": ids,
        }
    )  # fmt: skip


def stereotyped(n: int, seed: int) -> pd.DataFrame:
    """Reports that say all that can be said of their codes, always in the same order."""
    made = reports(n, seed, "s")
    texts = [
        "Conclusion : " + "; ".join(phrase for code in own for phrase in SAID[code])
        for own in made["codes"]
    ]
    return made.assign(text=texts)


def shuffled_words(made: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same words in another order."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.permutation(text.split())) for text in made["text"]]
    return made.assign(text=texts)
