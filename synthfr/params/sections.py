"""Sections of the data and their evaluation: seed, keywords, score, pair, classify and the small
ones.

What a value means and costs is a comment in ``params.yaml``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from synthfr.params.section import (
    Count,
    NonNegative,
    Positive,
    ProperShare,
    Section,
    Share,
    without_doubles,
)
from synthfr.params.writing import SimilarityJudge

# what the form of an ICD-10 category (letter, digit, digit or A or B) leaves room for
N_CATEGORIES = 26 * 10 * 12


class Runtime(Section):
    threads: Count
    device: Literal["auto", "cpu", "cuda"]


class Tracking(Section):
    experiment: Annotated[str, Field(min_length=1)]
    profile: Annotated[str, Field(min_length=1)]
    timeout_s: Positive


class Prompt(Section):
    template: Annotated[str, Field(min_length=1)]


class DemoSizes(Section):
    public: Count
    private_train: Count
    private_holdout: Count


class FileSource(Section):
    path: str | None
    columns: dict[
        Literal[
            "report_id",
            "text",
            "codes",
            "keywords",
            "language",
            "patient_id",
            "code",
            "label",
            "synonyms",
        ],
        str,
    ]


class SeedFiles(Section):
    public: FileSource
    private: FileSource
    codes: FileSource
    list_separator: Annotated[str, Field(min_length=1)]
    holdout_share: ProperShare


class Seed(Section):
    source: Literal["demo", "files"]
    language: Annotated[str, Field(min_length=2)]
    demo: DemoSizes
    files: SeedFiles


class Keywords(Section):
    threshold: Annotated[float, Field(gt=0, le=1)]
    max_window_tokens: Annotated[int, Field(ge=1, le=20)]
    min_chars: Count
    min_documents: Count
    negation: Literal["skip", "keep"]
    complete_public: bool
    complete_from_codes: bool
    max_keywords: Count


class ScoreWeights(Section):
    similarity: NonNegative
    keyword_recall: NonNegative
    judge: NonNegative
    similarity_judge: NonNegative
    bleu: NonNegative

    @model_validator(mode="after")
    def _some(self) -> ScoreWeights:
        if not any(weight for _, weight in self):
            raise ValueError("at least one weight must be above 0")
        return self


class LocalEvaluator(Section):
    lsa_weight: Share
    lsa_dimensions: Count


class Discriminator(Section):
    folds: Annotated[int, Field(ge=2, le=20)]
    max_ngram: Annotated[int, Field(ge=1, le=5)]
    C: Positive


class Score(Section):
    evaluator: Annotated[str, Field(pattern=r"^(local|discriminator|sentence-transformers:.+)$")]
    local: LocalEvaluator
    discriminator: Discriminator
    max_tokens: Count
    strip_headings: bool
    window_tokens: Count
    stride_tokens: Count
    similarity_judge: SimilarityJudge
    weights: ScoreWeights
    control: Literal["none", "shuffled", "wrong_document"]

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


class Pair(Section):
    min_margin: NonNegative
    max_pairs: Count
    max_length_ratio: Annotated[float, Field(ge=1)]
    novelty_weight: NonNegative


class TfidfCoder(Section):
    max_ngram: Annotated[int, Field(ge=1, le=5)]
    model: Literal["svm", "logistic"]
    C: Positive


class EncoderCoder(Section):
    model: str | None
    learning_rate: Positive
    epochs: Positive
    batch_size: Count
    device_batch_size: Count
    max_length: Annotated[int, Field(ge=8)]
    warmup_share: Share
    weight_decay: NonNegative
    patience: Count
    precision: Literal["float32", "bfloat16"]


class Coder(Section):
    kind: Literal["tfidf", "encoder"]
    tfidf: TfidfCoder
    encoder: EncoderCoder

    @model_validator(mode="after")
    def _named(self) -> Coder:
        if self.kind == "encoder" and not self.encoder.model:
            raise ValueError("kind 'encoder' wants encoder.model: a folder or owner/name@commit")
        return self


class Classify(Section):
    coder: Coder
    sizes: Annotated[list[Count], Field(min_length=1), AfterValidator(without_doubles)]
    top_k: Annotated[
        list[Annotated[int, Field(ge=1, le=N_CATEGORIES)]],
        Field(min_length=1),
        AfterValidator(without_doubles),
    ]
    seeds: Annotated[list[int], Field(min_length=1), AfterValidator(without_doubles)]
    evaluations: Annotated[
        list[Literal["unbiased", "original"]],
        Field(min_length=1),
        AfterValidator(without_doubles),
    ]
    decision_rule: Literal[
        "global_threshold", "fixed_threshold", "top_k_mean", "prevalence_matched"
    ]
    validation_share: ProperShare
    max_labels: Count


class Privacy(Section):
    ngram: Count


class Fidelity(Section):
    min_keyword_recall: Share | None
    min_code_recall: Share | None
    max_wrong_codes: NonNegative | None


class Report(Section):
    samples_per_step: Annotated[int, Field(ge=0)]
