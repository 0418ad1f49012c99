"""One frozen model per section of ``params.yaml``, and one for a round: the ranges of the values.

What a value means and costs is a comment in ``params.yaml``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
ProperShare = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
# a step's name is part of paths and of stage names
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


# TRL's DPO loss terms that need no further setting
LossTerm = Literal[
    "sigmoid",
    "sigmoid_norm",
    "hinge",
    "ipo",
    "nca_pair",
    "aot",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
]


class Section(BaseModel):
    """A group of parameters: immutable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    near = difflib.get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.5)
                    hint = (
                        f"did you mean '{near[0]}'?"
                        if near
                        else f"known are: {', '.join(cls.model_fields)}"
                    )
                    raise ValueError(f"unknown parameter '{key}': {hint}")
        return data


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
    complete_from_codes: bool
    max_keywords: Count


class Base(Section):
    source: Literal["tiny", "local", "hub"]
    path: str | None
    repo_id: str | None
    revision: str | None
    allow_download: bool
    chat_template: bool = False

    @model_validator(mode="after")
    def _named(self) -> Base:
        if self.source == "local" and not self.path:
            raise ValueError("source 'local' wants 'path', the folder of the model")
        if self.source == "hub" and not (self.repo_id and self.revision):
            raise ValueError(
                "source 'hub' wants 'repo_id' and 'revision', a commit of it: always the same model"
            )
        return self


class Lora(Section):
    r: Count
    alpha: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: Literal["all-linear"] | list[str]


class Distributed(Section):
    processes: Count
    strategy: Literal["ddp", "fsdp", "deepspeed"]


class Training(Section):
    """What SFT and DPO have in common."""

    batch_size: Count
    device_batch_size: Count
    max_length: Annotated[int, Field(ge=8)]
    lora: Lora
    warmup_share: Share
    weight_decay: NonNegative
    validation_share: Annotated[float, Field(ge=0, lt=1)]
    checkpoint_every_steps: Count
    precision: Literal["float32", "bfloat16"]
    quantisation: Literal["none", "nf4"]
    gradient_checkpointing: bool
    liger: bool
    distributed: Distributed

    @model_validator(mode="after")
    def _divides(self) -> Training:
        held, processes = self.device_batch_size, self.distributed.processes
        if self.batch_size % (held * processes):
            times = f" x {processes} processes" if processes > 1 else ""
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of "
                f"device_batch_size {held}{times}"
            )
        return self


class Teacher(Section):
    path: Annotated[str, Field(min_length=1)]
    columns: dict[Literal["report_id", "keywords", "text"], str]
    list_separator: Annotated[str, Field(min_length=1)]
    share: Annotated[float, Field(ge=0, lt=1)]


class Sft(Training):
    epochs: Positive
    learning_rate: Positive
    batching: Literal["padded", "padding_free", "packed"]
    teacher: Teacher


class Dpo(Training):
    beta: Positive
    loss_type: Annotated[list[LossTerm], Field(min_length=1)]
    loss_weights: list[NonNegative]
    max_truncated_share: Share
    max_chosen_logp_drop: Positive
    batching: Literal["padded", "padding_free"]

    @model_validator(mode="after")
    def _one_weight_each(self) -> Dpo:
        if len(self.loss_type) != len(self.loss_weights):
            raise ValueError("loss_type and loss_weights must be equally long")
        if self.lora.dropout:
            raise ValueError("lora.dropout must be 0: a preference is measured without dropout")
        return self


class VllmEngine(Section):
    policy: Literal["merged", "lora"]
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    tensor_parallel: Count
    pipeline_parallel: Count
    data_parallel: Count
    memory_share: ProperShare
    max_model_len: Count | None
    max_batched_tokens: Count | None
    eager: bool


class Price(Section):
    """Of a million tokens, in any currency."""

    input: NonNegative
    output: NonNegative


class OpenaiEngine(Section):
    base_url: str | None
    model: Annotated[str, Field(min_length=1)]
    chat: bool
    api_key_variable: Annotated[str, Field(min_length=1)]
    concurrency: Count
    requests_per_minute: Count | None
    timeout_s: Positive
    max_retries: Annotated[int, Field(ge=0)]
    price_per_million: Price


class Engines(Section):
    vllm: VllmEngine
    openai: OpenaiEngine


class Sampling(Section):
    engine: Literal["transformers", "vllm", "openai"]
    top_p: Annotated[float, Field(gt=0, le=1)]
    top_k: Annotated[int, Field(ge=0)]
    max_new_tokens: Count
    batch_size: Count
    shard_size: Count


class Generate(Sampling):
    temperatures: Annotated[
        list[NonNegative | tuple[NonNegative, NonNegative]], Field(min_length=2, max_length=100)
    ]

    @model_validator(mode="after")
    def _ranges_rise(self) -> Generate:
        for entry in self.temperatures:
            if isinstance(entry, tuple) and entry[0] > entry[1]:
                raise ValueError(f"temperatures: write the range {list(entry)} as [low, high]")
        return self


class Asked(Sampling):
    """A language model that answers questions about texts; `base_url` is its own server's."""

    model: str | None
    base_url: str | None
    temperature: NonNegative
    max_unparsable_share: Share


class Judge(Asked):
    kind: Literal["none", "score", "pairwise"]

    @model_validator(mode="after")
    def _named(self) -> Judge:
        if self.kind != "none" and not self.model:
            raise ValueError("kind is not 'none', so 'model' must name the judge")
        return self


class SimilarityJudge(Asked):
    pass


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


class Score(Section):
    evaluator: Annotated[str, Field(pattern=r"^(local|sentence-transformers:.+)$")]
    local: LocalEvaluator
    max_tokens: Count
    strip_headings: bool
    window_tokens: Count
    stride_tokens: Count
    similarity_judge: SimilarityJudge
    weights: ScoreWeights

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


class Synthesize(Sampling):
    reports: Count
    temperature: NonNegative
    max_codes: Count


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
    sizes: Annotated[list[Count], Field(min_length=1)]
    top_k: Annotated[list[Count], Field(min_length=1)]
    seeds: Annotated[list[int], Field(min_length=1)]
    evaluations: Annotated[list[Literal["unbiased", "original"]], Field(min_length=1)]
    decision_rule: Literal[
        "global_threshold", "fixed_threshold", "top_k_mean", "prevalence_matched"
    ]
    validation_share: ProperShare
    max_labels: Count


class Privacy(Section):
    ngram: Count


class Fidelity(Section):
    pass


class Report(Section):
    samples_per_step: Annotated[int, Field(ge=0)]


class Round(Section):
    parent: Name
    prompts: Count
    learning_rate: Positive
    epochs: Positive
    beta: Positive | None = None  # None: dpo.beta
