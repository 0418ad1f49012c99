"""Sections of what writes and reads texts: engines, generate, synthesize, judge, and the judge of
the score.

What a value means and costs is a comment in ``params.yaml``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from synthfr.params.section import (
    Count,
    NonNegative,
    Positive,
    ProperShare,
    Section,
    Share,
    without_doubles,
)


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


# [low, high]; YAML has no tuples
Range = Annotated[tuple[NonNegative, NonNegative], Field(strict=False)]


class Generate(Sampling):
    temperatures: Annotated[list[NonNegative | Range], Field(min_length=2, max_length=100)]

    @field_validator("temperatures")
    @classmethod
    def _one_candidate_each(cls, plan: list[float | Range]) -> list[float | Range]:
        without_doubles([entry for entry in plan if not isinstance(entry, tuple)])
        return plan

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


class Synthesize(Sampling):
    reports: Annotated[int, Field(ge=1, le=10_000_000)]
    temperature: NonNegative
    max_codes: Count
