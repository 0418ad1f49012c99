"""Scores of one round's candidates against the private documents that their prompts came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from synthfr import redact
from synthfr.errors import UserError
from synthfr.records import SCORES
from synthfr.scoring import controls, lexical, population
from synthfr.scoring.comparisons import Comparisons, beside_documents, check_known
from synthfr.scoring.controls import Control
from synthfr.scoring.evaluators import EvaluatorSettings, rater
from synthfr.scoring.guarantee import Guarantee, why_not
from synthfr.scoring.raters import Documents, Rater
from synthfr.scoring.similarity import DocumentSimilarity
from synthfr.section import Count, NonNegative, Section

if TYPE_CHECKING:
    import pandas as pd


class ScoreWeights(Section):
    """Parameters `score.weights`: see the comments in params.yaml."""

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


# former parameters of the section -> where they are now
_MOVED = {
    "similarity_judge": "is now a section of its own: move it out of score",
    "local": "is now part of evaluator: move it to score.evaluator.local",
    "discriminator": "is now part of evaluator: move it to score.evaluator.discriminator",
    "max_tokens": "is now score.evaluator.sentence_transformers.max_tokens: move it there",
}


class Score(Section):
    """Parameters `score`: see the comments in params.yaml."""

    evaluator: EvaluatorSettings = EvaluatorSettings()
    strip_headings: bool = True
    window_tokens: Count = 128
    stride_tokens: Count = 64
    windows_within_tokens: Count | None = None
    bleu_smoothing: lexical.Smoothing = "exponential"
    weights: ScoreWeights = ScoreWeights()
    control: Control = "none"
    release: Literal["order", "raw", "population"] = "order"  # of the stage `release`
    dp: Guarantee = Guarantee()

    @model_validator(mode="before")
    @classmethod
    def _nothing_that_moved(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and (moved := [key for key in _MOVED if key in data]):
            raise ValueError(f"'{moved[0]}' {_MOVED[moved[0]]}")
        return data

    @model_validator(mode="after")
    def _control_changes_something(self) -> Score:
        if self.control == "wrong_document" and self.evaluator.kind == "discriminator":
            raise ValueError(
                "control 'wrong_document' means nothing to evaluator 'discriminator', which "
                "compares with no document: set control to shuffled or none, or another evaluator"
            )
        return self

    @model_validator(mode="after")
    def _claims_only_what_holds(self) -> Score:
        weights = self.weights.model_dump()
        if reason := why_not(self.dp, self.release, self.evaluator, weights, self.control):
            raise ValueError(reason)
        return self

    @model_validator(mode="after")
    def _windows_overlap(self) -> Score:
        if self.stride_tokens > self.window_tokens:
            raise ValueError(
                "stride_tokens must not exceed window_tokens, else words between are never seen"
            )
        return self

    @model_validator(mode="after")
    def _windows_are_read(self) -> Score:
        window, within = self.window_tokens, self.windows_within_tokens
        if within is not None and within < window:
            raise ValueError(
                f"windows_within_tokens ({within}) has no room for a window of window_tokens "
                f"({window}): raise the one or lower the other"
            )
        encoder = self.evaluator.sentence_transformers
        used = self.evaluator.kind == "sentence_transformers" and encoder.own_limit != "accept"
        if used and encoder.max_tokens < window:
            raise ValueError(
                f"window_tokens ({window}) is above evaluator.sentence_transformers.max_tokens "
                f"({encoder.max_tokens}), so that the rest of each window is not read: raise the "
                "one or lower the other"
            )
        return self


PARTS = ("similarity", "keyword_recall", "judge", "similarity_judge", "bleu")


@dataclass(frozen=True)
class Scored:
    """`scores` (PRIVATE_SCORES: they stay on the private side until `release`), counts, and the
    evaluator's weights, if it has any.
    """

    scores: pd.DataFrame
    measures: dict[str, Any]
    evaluator_weights: Path | None


def score(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    prompts: pd.DataFrame,
    judgements: pd.DataFrame,
    similarities: pd.DataFrame,
    public: pd.DataFrame,
    params: Score,
    *,
    codes: pd.DataFrame | None = None,
    random_seed: int,
    round_name: str,
) -> Scored:
    """Score every candidate (CANDIDATES) against the private document (KEYED) of its prompt
    (PROMPTS) and take what the judges said of it (JUDGEMENTS, SIMILARITIES), joined by id. `public`
    (REPORTS) is what a discriminator tells the private documents from. With `params.dp.stratum`
    each candidate's similarities to all documents are summed too (`population`); the stratum
    `codes` takes the public code list (CODES) for it.

    All parts are recorded; `total` is their mean weighted by `params.weights`, null where a part
    with a weight is. Headings are stripped from both texts first when `params.strip_headings`. A
    prompt_id that is not among the keyed documents or the prompts is a UserError, and so are
    judgements of other candidates.

    `params.control` 'wrong_document': every comparison with a document is with another prompt's;
    'shuffled': the scores change candidates within each prompt. The measures then say so.
    """
    compared = beside_documents(
        candidates,
        keyed,
        strip_headings=params.strip_headings,
        control=params.control,
        random_seed=random_seed,
        round_name=round_name,
    )
    keywords = dict(zip(prompts["prompt_id"], prompts["keywords"], strict=True))
    ids = [row.prompt_id for row in compared.rows]
    check_known(ids, set(keywords), "prompts")
    weights = params.weights
    judged = _graded(candidates, judgements, "judge", "judge", weights.judge)
    similar = _graded(
        candidates, similarities, "similarity", "similarity_judge", weights.similarity_judge
    )
    evaluator = rater(
        params.evaluator,
        compared.private,
        {row.prompt_id: row.document for row in compared.rows},
        Documents.of(public, "report_id", params.strip_headings),
        window_tokens=params.window_tokens,
        stride_tokens=params.stride_tokens,
        within_tokens=params.windows_within_tokens,
        random_seed=random_seed,
    )
    parts = {
        "similarity": evaluator.rate([row.candidate for row in compared.rows], ids),
        "keyword_recall": np.array(
            [
                lexical.keyword_recall(keywords[row.prompt_id], row.candidate, row.language)
                for row in compared.rows
            ]
        ),
        "judge": judged,
        "similarity_judge": similar,
        "bleu": np.array(
            [
                lexical.bleu(row.candidate, row.document, params.bleu_smoothing)
                for row in compared.rows
            ]
        ),
    }
    frame = candidates[list(SCORES.key)].copy()
    for name in PARTS:
        frame[name] = parts[name].astype(np.float32)
    frame["total"] = total(parts, weights).astype(np.float32)
    if params.dp.stratum is not None:
        frame["population"] = _sums(evaluator, compared, keyed, _strata(prompts, codes, params))
    frame = frame.sort_values(list(SCORES.key), ignore_index=True)
    # counts alone: what of the scores themselves may be told, `release` decides
    measures: dict[str, Any] = {
        "candidates": len(frame),
        "prompts": frame["prompt_id"].nunique(),
        "unjudged": int(frame["total"].isna().sum()),
        **evaluator.measures,
    }
    if params.control == "shuffled":
        frame = controls.shuffled(frame, random_seed, round_name)
    if params.control != "none":
        measures["control"] = {params.control: 1}
    return Scored(frame, measures, evaluator.weights)


def _strata(prompts: pd.DataFrame, codes: pd.DataFrame | None, params: Score) -> population.Strata:
    """Codes that each prompt is about; none: the whole corpus."""
    if params.dp.stratum == "corpus":
        return dict.fromkeys(prompts["prompt_id"], frozenset())
    if codes is None:
        raise TypeError("dp.stratum 'codes' wants the code list")
    return population.strata(prompts, codes)


def _sums(
    evaluator: Rater,
    compared: Comparisons,
    keyed: pd.DataFrame,
    strata: population.Strata,
) -> NDArray[np.int64]:
    """See `population.sums`."""
    if not isinstance(evaluator, DocumentSimilarity):
        raise TypeError("sums over the corpus want an evaluator that compares documents")
    codes = zip(keyed["prompt_id"], keyed["codes"], strict=True)
    return population.sums(
        evaluator,
        [row.candidate for row in compared.rows],
        [row.prompt_id for row in compared.rows],
        strata,
        compared.private,
        {key: frozenset(of_document) for key, of_document in codes},
    )


def total(parts: dict[str, NDArray[np.float64]], weights: ScoreWeights) -> NDArray[np.float64]:
    """Mean of the parts that have a weight, weighted by it; shape (n_candidates,). NaN where one of
    them is.
    """
    weighted = [
        (getattr(weights, name), parts[name]) for name in PARTS if getattr(weights, name) > 0
    ]
    whole = sum(weight for weight, _ in weighted)
    return np.asarray(sum(weight * part for weight, part in weighted) / whole)


def _graded(
    candidates: pd.DataFrame, table: pd.DataFrame, column: str, stage: str, weight: float
) -> NDArray[np.float64]:
    """What the judge of a `stage` said of each candidate, in order; NaN where it said nothing.

    Its `table` must be of these candidates, and hold a grade if its part has a `weight`.
    """
    grades = dict(zip(_keys(table), table[column].tolist(), strict=True))
    wanted = _keys(candidates)
    if set(grades) != set(wanted):
        lost = min(set(grades) ^ set(wanted))
        raise UserError(
            f"score: the judgements of {stage} are not those of these candidates (candidate "
            f"{lost[1]} of prompt {redact.shown_id(lost[0])} is on one side only): run this "
            f"round's {stage} stage again."
        )
    graded = np.array([grades[key] for key in wanted], dtype=np.float64)
    if weight > 0 and np.isnan(graded).all():
        raise UserError(
            f"score.weights.{stage} is above 0, but no candidate has been judged: set it to 0, or "
            f"configure a judge (section {stage}) and run this round's {stage} stage."
        )
    return graded


def _keys(table: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(*(table[name].tolist() for name in SCORES.key), strict=True))
