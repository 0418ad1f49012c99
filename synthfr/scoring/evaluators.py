"""The evaluators there are: what makes a candidate's `similarity`. Which one is used is a parameter
(`score.evaluator.kind`): an encoder that compares it with one private document, or a discriminator
that knows private reports as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import model_validator

from synthfr.scoring.discriminator import Discriminator, DiscriminatorSettings
from synthfr.scoring.local import LocalEvaluator, LocalSettings
from synthfr.scoring.raters import Documents, Encoder, Rater
from synthfr.scoring.sentence_transformers import (
    SentenceTransformersEvaluator,
    SentenceTransformersSettings,
)
from synthfr.scoring.similarity import DocumentSimilarity
from synthfr.section import Section


class EvaluatorSettings(Section):
    """Parameters `score.evaluator`: see the comments in params.yaml."""

    kind: Literal["local", "discriminator", "sentence_transformers"] = "local"
    local: LocalSettings = LocalSettings()
    discriminator: DiscriminatorSettings = DiscriminatorSettings()
    sentence_transformers: SentenceTransformersSettings = SentenceTransformersSettings()

    @model_validator(mode="before")
    @classmethod
    def _not_one_word(cls, data: Any) -> Any:
        """Refuse the former form, one text, with what stands for it now."""
        if isinstance(data, str):
            kind, _, model = data.partition(":")
            own = f", and sentence_transformers.model to '{model}'" if model else ""
            raise ValueError(
                f"'{data}' is now a section: set kind to '{kind.replace('-', '_')}'{own}"
            )
        return data

    @model_validator(mode="after")
    def _named(self) -> EvaluatorSettings:
        if self.kind == "sentence_transformers" and not self.sentence_transformers.model:
            raise ValueError(
                "kind 'sentence_transformers' wants sentence_transformers.model: "
                "a folder or owner/name@commit"
            )
        return self


def rater(
    params: EvaluatorSettings,
    private: Documents,
    against: Mapping[str, str],
    public: Documents,
    *,
    window_tokens: int,
    stride_tokens: int,
    within_tokens: int | None,
    random_seed: int,
) -> Rater:
    """The rater that ``params.kind`` names, fitted; one that cannot be had is a UserError.

    `private` are all private documents by prompt_id, `against` the text that each prompt's
    candidates are compared with (nothing to a discriminator, nor are windows), `public` the public
    seed by report_id (nothing to an encoder, unless it is fitted on it).
    """
    if params.kind == "discriminator":
        return Discriminator(params.discriminator, private, public, random_seed)
    encoder = _encoder(params, window_tokens)
    on_public = params.kind == "local" and params.local.fit == "public"
    learnt_from = (public if on_public else private).texts
    encoder.fit([learnt_from[key] for key in sorted(learnt_from)])
    return DocumentSimilarity(encoder, against, window_tokens, stride_tokens, within_tokens)


def _encoder(params: EvaluatorSettings, window_tokens: int) -> Encoder:
    if params.kind == "sentence_transformers":
        return SentenceTransformersEvaluator(params.sentence_transformers, window_tokens)
    return LocalEvaluator(params.local)
