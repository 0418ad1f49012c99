"""Judgements of one round's candidates, by the kind of judge that the parameters name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from synthfr.engines.asking import QuestionSettings, Respondent
from synthfr.errors import UserError
from synthfr.judging import criteria, overall, pairwise
from synthfr.judging.rows import Candidate, Judgement, distribution
from synthfr.records import JUDGEMENTS

if TYPE_CHECKING:
    import pandas as pd


Unparsable = Literal["empty", "zero"]


class Judge(QuestionSettings):
    """Parameters `judge`: see the comments in params.yaml."""

    kind: Literal["none", "score", "overall", "pairwise"] = "none"
    unparsable: Unparsable = "empty"

    @property
    def enabled(self) -> bool:
        return self.kind != "none"

    @model_validator(mode="after")
    def _named(self) -> Judge:
        if self.enabled and not self.model:
            raise ValueError("kind is not 'none', so 'model' must name the judge")
        return self

    @model_validator(mode="after")
    def _zero_is_a_grade(self) -> Judge:
        if self.unparsable == "zero" and self.kind == "pairwise":
            raise ValueError(
                "unparsable 'zero' means nothing to kind 'pairwise', whose answers are no grades: "
                "set unparsable to empty, or kind to score or overall"
            )
        return self


_KINDS = {"score": criteria.rate, "overall": overall.rate, "pairwise": pairwise.compare}


@dataclass(frozen=True)
class Judged:
    """`table` (JUDGEMENTS, one row a candidate, sorted) and numbers about it."""

    table: pd.DataFrame
    measures: dict[str, Any]


def judge(
    candidates: pd.DataFrame,
    prompts: pd.DataFrame,
    kind: str,
    respondent: Respondent | None,
    unparsable: Unparsable = "empty",
) -> Judged:
    """Have `respondent` judge every candidate (CANDIDATES) in the language of its prompt (PROMPTS),
    joined by id; `kind` is that of `Judge`. Without a respondent every judgement is null.

    A candidate that the judge gave no usable answer about has no grade, or 0 where `unparsable` is
    'zero'; either way the answer is counted among the measures.

    UserError when a candidate is of no prompt.
    """
    listed = _listed(candidates, prompts)
    if respondent is None:
        return _judged(listed, [Judgement(*candidate.key) for candidate in listed], {})
    judgements, measures = _KINDS[kind](listed, respondent)
    if unparsable == "zero":
        judgements = [replace(one, judge=one.judge or 0.0) for one in judgements]
    return _judged(listed, judgements, measures)


def _listed(candidates: pd.DataFrame, prompts: pd.DataFrame) -> list[Candidate]:
    language = dict(zip(prompts["prompt_id"], prompts["language"], strict=True))
    columns = (candidates[name].tolist() for name in ("prompt_id", "candidate", "text"))
    rows = sorted(zip(*columns, strict=True))
    if unknown := sorted({prompt_id for prompt_id, *_ in rows} - set(language)):
        raise UserError(
            f"judge: {len(unknown)} prompt_id of the candidates, such as {unknown[0]!r}, are not "
            "among the prompts: they come from another run of keywords; run generate again."
        )
    return [Candidate(name, number, text, language[name]) for name, number, text in rows]


def _judged(
    candidates: Sequence[Candidate], judgements: Sequence[Judgement], measures: dict[str, Any]
) -> Judged:
    import pandas as pd

    table = pd.DataFrame([asdict(row) for row in judgements], columns=JUDGEMENTS.schema.names)
    given = [row.judge for row in judgements if row.judge is not None]
    return Judged(
        table,
        {
            "candidates": len(candidates),
            "blank": sum(candidate.blank for candidate in candidates),
            "judged": len(given),
            "judge": distribution(given),
            **measures,
        },
    )
