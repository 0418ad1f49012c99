"""A handful of private documents and candidates for them."""

from __future__ import annotations

import pandas as pd

from synthfr.params import Score

PRIVATE = [
    "MDE : F67, via SAU\nATCD : HTA, DNID\nClin : crépitants aux bases, OMI ++\nAu total : OAP",
    "MDE : H54, adr MT\nATCD : BPCO post tabagique\nClin : sibilants diffus\nAu total : EABPCO",
    "MDE : F81, chute\nATCD : ostéoporose\nClin : impotence du MI gauche\nAu total : FESF",
    "MDE : H71, via SAU\nATCD : HTA, tabac\nClin : hémiplégie, NIHSS 9\nAu total : AVC sylvien",
    "MDE : F33, fièvre\nATCD : néant\nClin : crépitants à droite\nAu total : PAC lobaire",
    "MDE : H59, bilan\nATCD : DNID, IRC\nClin : OMI +, TA 16/9\nAu total : néphropathie diabétique",
]
IDS = [f"p{number}" for number in range(len(PRIVATE))]


def keyed() -> pd.DataFrame:
    rows = [
        (f"r-{key}", text, ["I10"], ["caché"], "fr", key)
        for key, text in zip(IDS, PRIVATE, strict=True)
    ]
    names = ["report_id", "text", "codes", "keywords", "language", "prompt_id"]
    return pd.DataFrame(rows, columns=names)


def prompts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "prompt_id": IDS,
            "keywords": [["HTA", "œdème aigu"]] * len(IDS),
            "prompt": "écris",
            "language": "fr",
        }
    )


def candidates(*rows: tuple[str, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["prompt_id", "candidate", "text"]).astype(
        {"candidate": "int8"}
    )


def judgements(candidates: pd.DataFrame, *judged: float | None) -> pd.DataFrame:
    """One for each candidate, `judged` by the judge; none given: there is no judge."""
    given = pd.Series(judged or [None] * len(candidates), dtype="float32")
    return candidates[["prompt_id", "candidate"]].assign(
        judge=given.to_numpy(), language=None, plausibility=None, authenticity=None
    )


def params(**changes: object) -> Score:
    values: dict[str, object] = {
        "evaluator": "local",
        "local": {"lsa_weight": 0.6, "lsa_dimensions": 4},
        "max_tokens": 32,
        "strip_headings": True,
        "window_tokens": 8,
        "stride_tokens": 4,
        "weights": {"similarity": 1, "keyword_recall": 0, "judge": 0, "bleu": 0},
    }
    return Score.model_validate(values | changes)
