"""A handful of private documents and candidates for them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from synthfr import scoring
from synthfr.disk import read_yaml
from synthfr.engines.engine_settings import Engines
from synthfr.scoring.controls import Control
from synthfr.scoring.scores import Score
from synthfr.scoring.similarity_judge import (
    SimilarityJudge,
    SimilarityJudged,
    open_similarity_judge,
)
from synthfr.scoring.similarity_judge import judge_similarity as similarity_judged

SHIPPED = read_yaml(Path(__file__).parents[2] / "params.yaml")
PRIVATE = [
    "MDE : F67, via SAU\nATCD : HTA, DNID\nClin : crépitants aux bases, OMI ++\nAu total : OAP",
    "MDE : H54, adr MT\nATCD : BPCO post tabagique\nClin : sibilants diffus\nAu total : EABPCO",
    "MDE : F81, chute\nATCD : ostéoporose\nClin : impotence du MI gauche\nAu total : FESF",
    "MDE : H71, via SAU\nATCD : HTA, tabac\nClin : hémiplégie, NIHSS 9\nAu total : AVC sylvien",
    "MDE : F33, fièvre\nATCD : néant\nClin : crépitants à droite\nAu total : PAC lobaire",
    "MDE : H59, bilan\nATCD : DNID, IRC\nClin : OMI +, TA 16/9\nAu total : néphropathie diabétique",
]
PUBLIC = [
    "Motif : une dyspnée\nExamen : des crépitants\nConclusion : une insuffisance cardiaque",
    "Motif : un bilan\nExamen : une pression artérielle élevée\nConclusion : une hypertension",
    "Motif : une chute\nExamen : des douleurs du genou\nConclusion : une fracture",
    "Motif : une fièvre\nExamen : des crépitants à droite\nConclusion : une pneumopathie",
    "Motif : un malaise\nExamen : des sueurs\nConclusion : une hypoglycémie",
    "Motif : une toux\nExamen : des sibilants\nConclusion : une bronchite",
]
IDS = [f"p{number}" for number in range(len(PRIVATE))]


def keyed() -> pd.DataFrame:
    rows = [
        (f"r-{key}", text, ["I10"], ["caché"], "fr", key, key)
        for key, text in zip(IDS, PRIVATE, strict=True)
    ]
    names = ["report_id", "text", "codes", "keywords", "language", "prompt_id", "patient_id"]
    return pd.DataFrame(rows, columns=names)


def public() -> pd.DataFrame:
    rows = [(f"pub-{number}", text, ["I10"], [], "fr") for number, text in enumerate(PUBLIC)]
    return pd.DataFrame(rows, columns=["report_id", "text", "codes", "keywords", "language"])


def prompts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "prompt_id": IDS,
            "keywords": [["HTA", "œdème aigu"]] * len(IDS),
            "prompt": "écris",
            "language": "fr",
        }
    )


def codes() -> pd.DataFrame:
    """A code list whose names the prompts have."""
    return pd.DataFrame(
        {
            "code": ["I10", "E11", "J18"],
            "label": ["hypertension artérielle", "diabète", "pneumopathie"],
            "synonyms": [["HTA", "hypertension"], ["DNID", "diabète"], ["PAC", "HTA"]],
            "sources": [["synonym"] * 2] * 3,
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


def similarities(candidates: pd.DataFrame, *judged: float | None) -> pd.DataFrame:
    """One for each candidate, `judged` by the similarity judge; none given: there is none."""
    given = pd.Series(judged or [None] * len(candidates), dtype="float32")
    return candidates[["prompt_id", "candidate"]].assign(similarity=given.to_numpy())


def params(
    kind: str = "local", model: str | None = None, own_limit: str = "refuse", **changes: object
) -> Score:
    values: dict[str, object] = {
        "evaluator": {
            "kind": kind,
            "local": {"lsa_weight": 0.6, "lsa_dimensions": 4},
            "discriminator": {"folds": 3, "max_ngram": 1, "C": 1.0},
            "sentence_transformers": {
                "model": model,
                "max_tokens": 32,
                "own_limit": own_limit,
            },
        },
        "strip_headings": True,
        "window_tokens": 8,
        "stride_tokens": 4,
        "control": "none",
    }
    weights = {"similarity": 1, "keyword_recall": 0, "judge": 0, "similarity_judge": 0, "bleu": 0}
    weights |= changes.pop("weights", {})  # type: ignore[call-overload]
    return Score.model_validate(values | changes | {"weights": weights})


def score(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    prompts: pd.DataFrame,
    judgements: pd.DataFrame,
    params: Score,
    similar: pd.DataFrame | None = None,
    round_name: str = "dpo1",
) -> scoring.Scored:
    return scoring.score(
        candidates,
        keyed,
        prompts,
        judgements,
        similarities(candidates) if similar is None else similar,
        public(),
        params,
        random_seed=7,
        round_name=round_name,
    )


def similarity_judge(**changes: object) -> SimilarityJudge:
    """Its section, switched on."""
    shipped: dict[str, object] = SHIPPED["similarity_judge"]
    return SimilarityJudge.model_validate(shipped | {"model": "somewhere"} | changes)


def judge_similarity(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    params: SimilarityJudge,
    scratch: Path,
    *,
    strip_headings: bool = True,
    control: Control = "none",
    **vllm: object,
) -> SimilarityJudged:
    """As the stage does."""
    engines = Engines.model_validate(SHIPPED["engines"])
    engines = engines.model_copy(update={"vllm": engines.vllm.model_copy(update=vllm)})
    with open_similarity_judge(
        params, engines, random_seed=7, merged=scratch / "merged", scratch=scratch
    ) as respondent:
        return similarity_judged(
            candidates,
            keyed,
            respondent,
            strip_headings=strip_headings,
            control=control,
            random_seed=7,
            round_name="dpo1",
        )
