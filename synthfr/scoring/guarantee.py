"""Parameters `score.dp`, and when no guarantee may be claimed by them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from synthfr.dp.accounting import HIGHEST_DELTA, HIGHEST_EPSILON, Neighbours
from synthfr.section import Section

if TYPE_CHECKING:
    from synthfr.scoring.evaluators import EvaluatorSettings

_PRIVATE = Path("data/private")
Epsilon = Annotated[float, Field(ge=0.01, le=HIGHEST_EPSILON)]


class Guarantee(Section):
    """Parameters `score.dp`: see the comments in params.yaml."""

    stratum: Literal["codes", "corpus"] | None = None
    epsilon: Epsilon | None = None
    delta: Annotated[float, Field(gt=0, le=HIGHEST_DELTA)] = 1e-5
    releases: Annotated[int, Field(ge=1, le=1000)] = 3
    neighbours: Neighbours = "add_remove"
    budget: Epsilon = 8.0


def why_not(
    dp: Guarantee,
    release: str,
    evaluator: EvaluatorSettings,
    weights: Mapping[str, float],
    control: str,
) -> str | None:
    """Why these parameters of `score` cannot go together, and what to change; None: they can."""
    if release != "population" and dp.epsilon is not None:
        return (
            f"dp.epsilon is set, but release '{release}' tells of each document by itself, which "
            "no useful noise hides: set release to population, or dp.epsilon to null"
        )
    if release == "population" and dp.stratum is None:
        return "release 'population' wants dp.stratum: set it to codes, or to corpus"
    if dp.stratum is None:
        return None
    if knows := _knows_private_texts(evaluator):
        return (
            f"dp.stratum is set, but evaluator {knows}, so that each of them changes all "
            "similarities and no bound holds: set evaluator.local.fit to public, or "
            "evaluator.kind to sentence_transformers with a public model"
        )
    if release != "population":
        return None
    own = [name for name in ("bleu", "similarity_judge") if weights[name] > 0]
    if own or not weights["similarity"] > 0:
        what = f"weights.{own[0]} is above 0" if own else "weights.similarity is 0"
        return (
            f"release 'population' compares with the corpus, never with a candidate's own document,"
            f" and {what}: give a weight to similarity, and none to bleu and similarity_judge"
        )
    if control != "none":
        return (
            f"control '{control}' is of scores beside own documents, which release 'population' "
            "does not use: set control to none, or release to order or raw"
        )
    return None


def _knows_private_texts(evaluator: EvaluatorSettings) -> str | None:
    if evaluator.kind == "discriminator":
        return "'discriminator' is fitted on the private documents"
    if evaluator.kind == "local":
        fitted = evaluator.local.fit == "private"
        return "'local' is fitted on the private documents (fit: private)" if fitted else None
    # as the system sees them: no other spelling and no link leads past this
    model = Path(os.path.realpath(evaluator.sentence_transformers.model or ""))
    private = model.is_relative_to(os.path.realpath(_PRIVATE))
    return "'sentence_transformers' uses a model of data/private" if private else None
