"""Scores of one round's candidates against the private documents that their prompts came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from synthfr import redact
from synthfr.errors import UserError
from synthfr.records import SCORES
from synthfr.scoring import controls, lexical
from synthfr.scoring.discriminator import DiscriminatorSettings
from synthfr.scoring.local import LocalSettings
from synthfr.scoring.raters import Documents, rater
from synthfr.scoring.release import release
from synthfr.scoring.similarity_judge import SimilarityJudge
from synthfr.section import Count, NonNegative, Section
from synthfr.text import strip_headings

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.engines.engine_settings import Engines


class ScoreWeights(Section):
    similarity: NonNegative = 1.0
    keyword_recall: NonNegative = 0.0
    judge: NonNegative = 0.0
    similarity_judge: NonNegative = 0.0
    bleu: NonNegative = 0.0

    @model_validator(mode="after")
    def _some(self) -> ScoreWeights:
        if not any(weight for _, weight in self):
            raise ValueError("at least one weight must be above 0")
        return self


class Score(Section):
    evaluator: Annotated[
        str, Field(pattern=r"^(local|discriminator|sentence-transformers:.+)$")
    ] = "local"
    local: LocalSettings = LocalSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    max_tokens: Count = 512
    strip_headings: bool = True
    window_tokens: Count = 128
    stride_tokens: Count = 64
    similarity_judge: SimilarityJudge = SimilarityJudge()
    weights: ScoreWeights = ScoreWeights()
    control: Literal["none", "shuffled", "wrong_document"] = "none"

    @model_validator(mode="after")
    def _control_changes_something(self) -> Score:
        if self.control == "wrong_document" and self.evaluator == "discriminator":
            raise ValueError(
                "control 'wrong_document' means nothing to evaluator 'discriminator', which "
                "compares with no document: set control to shuffled or none, or another evaluator"
            )
        return self

    @model_validator(mode="after")
    def _similarity_judged_by_someone(self) -> Score:
        if self.weights.similarity_judge > 0 and not self.similarity_judge.model:
            raise ValueError(
                "weights.similarity_judge is above 0, but similarity_judge.model is null: "
                "set the weight to 0, or name a model"
            )
        return self

    @model_validator(mode="after")
    def _windows_overlap(self) -> Score:
        if self.stride_tokens > self.window_tokens:
            raise ValueError(
                "stride_tokens must not exceed window_tokens, else words between are never seen"
            )
        return self


PARTS = ("similarity", "keyword_recall", "judge", "similarity_judge", "bleu")


@dataclass(frozen=True)
class Scored:
    """`scores` (SCORES, released), numbers about their distribution, and the evaluator's
    weights, if it has any.
    """

    scores: pd.DataFrame
    measures: dict[str, Any]
    evaluator_weights: Path | None


def score(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    prompts: pd.DataFrame,
    judgements: pd.DataFrame,
    public: pd.DataFrame,
    params: Score,
    engines: Engines,
    *,
    random_seed: int,
    round_name: str,
    merged: Path,
    scratch: Path,
) -> Scored:
    """Score every candidate (CANDIDATES) against the private document (KEYED) of its prompt
    (PROMPTS) and take what the judge said of it (JUDGEMENTS), joined by id. `public` (REPORTS) is
    what a discriminator tells the private documents from.

    All parts are recorded; `total` is their mean weighted by `params.weights`, null where a part
    with a weight is. Headings are stripped from both texts first when `params.strip_headings`. A
    prompt_id that is not among the keyed documents or the prompts is a UserError, and so are
    judgements of other candidates.

    `params.control` 'wrong_document': every comparison with a document is with another prompt's;
    'shuffled': the scores change candidates within each prompt. The measures then say so.

    `engines`, `merged` and `scratch` are the similarity judge's, where one is named.
    """
    asked = dict(zip(prompts["prompt_id"], prompts["keywords"], strict=True))
    ids = candidates["prompt_id"].tolist()
    _all_known(ids, set(keyed["prompt_id"]), "private documents")
    _all_known(ids, set(asked), "prompts")
    judged = _judged(candidates, judgements, params.weights)
    # a candidate is in the language of its document
    language = dict(zip(keyed["prompt_id"], keyed["language"], strict=True))
    private = _documents(keyed, "prompt_id", params.strip_headings)
    document_of = {key: key for key in ids}
    if params.control == "wrong_document":
        document_of = controls.wrong_documents(ids, random_seed, round_name)
    against = {key: private.texts[document] for key, document in document_of.items()}
    texts = candidates["text"].tolist()
    if params.strip_headings:
        texts = [strip_headings(text, language[key]) for text, key in zip(texts, ids, strict=True)]
    rated, answers = np.full(len(ids), np.nan), dict[str, Any]()
    if params.similarity_judge.model is not None:
        from synthfr.scoring.similarity_judge import Comparison, judge_similarity

        numbers = candidates["candidate"].tolist()
        # before the encoder is loaded: each has the machine to itself
        rated, answers = judge_similarity(
            [
                Comparison(key, number, against[key], text, language[key])
                for key, number, text in zip(ids, numbers, texts, strict=True)
            ],
            params.similarity_judge,
            engines,
            random_seed=random_seed,
            merged=merged,
            scratch=scratch,
        )
    seen = _documents(public, "report_id", params.strip_headings)
    similar = rater(params, private, against, seen, random_seed)
    parts = {
        "similarity": similar.rate(texts, ids),
        "keyword_recall": np.array(
            [lexical.keyword_recall(asked[key], text) for text, key in zip(texts, ids, strict=True)]
        ),
        "judge": judged,
        "similarity_judge": rated,
        "bleu": np.array(
            [lexical.bleu(text, against[key]) for text, key in zip(texts, ids, strict=True)]
        ),
    }
    frame = candidates[list(SCORES.key)].copy()
    for name in PARTS:
        frame[name] = parts[name].astype(np.float32)
    frame["total"] = total(parts, params.weights).astype(np.float32)
    frame = frame.sort_values(list(SCORES.key), ignore_index=True)
    measures = describe(frame) | dict(similar.measures)
    if answers:
        measures["similarity_judge"] = measures.get("similarity_judge", {}) | answers
    if params.control == "shuffled":
        frame = controls.shuffled(frame, random_seed, round_name)
    if params.control != "none":
        measures["control"] = {params.control: 1}
    return Scored(release(frame, candidates), measures, similar.weights)


def total(parts: dict[str, NDArray[np.float64]], weights: ScoreWeights) -> NDArray[np.float64]:
    """Mean of the parts that have a weight, weighted by it; shape (n_candidates,). NaN where one of
    them is.
    """
    weighted = [
        (getattr(weights, name), parts[name]) for name in PARTS if getattr(weights, name) > 0
    ]
    whole = sum(weight for weight, _ in weighted)
    return np.asarray(sum(weight * part for weight, part in weighted) / whole)


def describe(scores: pd.DataFrame) -> dict[str, Any]:
    """Mean and standard deviation of each part; mean distance between a prompt's best and worst
    total (`spread`); candidates without a total, for want of a judgement (`unjudged`).
    """
    recorded = [name for name in (*PARTS, "total") if scores[name].notna().any()]
    by_prompt = scores.groupby("prompt_id")["total"]
    return {
        "candidates": len(scores),
        "prompts": scores["prompt_id"].nunique(),
        "unjudged": int(scores["total"].isna().sum()),
        "spread": float((by_prompt.max() - by_prompt.min()).mean()),
        **{
            name: {"mean": float(scores[name].mean()), "sd": float(scores[name].std(ddof=0))}
            for name in recorded
        },
    }


def _documents(reports: pd.DataFrame, key: str, without_headings: bool) -> Documents:
    ids = reports[key].tolist()
    texts = reports["text"].tolist()
    if without_headings:
        texts = [
            strip_headings(text, language)
            for text, language in zip(texts, reports["language"], strict=True)
        ]
    owners = reports["patient_id" if "patient_id" in reports else key].tolist()
    return Documents(dict(zip(ids, texts, strict=True)), dict(zip(ids, owners, strict=True)))


def _judged(
    candidates: pd.DataFrame, judgements: pd.DataFrame, weights: ScoreWeights
) -> NDArray[np.float64]:
    """The judge's score of each candidate, NaN where it has none."""
    key = list(SCORES.key)
    said = dict(zip(_keys(judgements, key), judgements["judge"].tolist(), strict=True))
    asked = _keys(candidates, key)
    if set(said) != set(asked):
        lost = min(set(said) ^ set(asked))
        raise UserError(
            f"score: the judgements are not those of these candidates (candidate {lost[1]} of "
            f"prompt {redact.shown_id(lost[0])} is on one side only): run this round's judge stage "
            "again."
        )
    judged = np.array([said[one] for one in asked], dtype=np.float64)
    if weights.judge > 0 and np.isnan(judged).all():
        raise UserError(
            "score.weights.judge is above 0, but no candidate has been judged: set it to 0, or "
            "configure a judge (judge.kind) and run this round's judge stage."
        )
    return judged


def _keys(table: pd.DataFrame, key: list[str]) -> list[tuple[str, int]]:
    return list(zip(*(table[name].tolist() for name in key), strict=True))


def _all_known(ids: list[str], known: set[str], where: str) -> None:
    unknown = sorted(set(ids) - known)
    if unknown:
        raise UserError(
            f"score: {len(unknown)} prompt_id of the candidates, such as "
            f"{redact.shown_id(unknown[0])}, are not among the {where}: they come from another run "
            "of keywords; run generate again."
        )
