"""Judgements of one round's candidates, by the kind of judge that the parameters name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from synthfr.disk import digest
from synthfr.engines import open_engine
from synthfr.engines.asking import QuestionSettings
from synthfr.errors import UserError
from synthfr.judging import criteria, pairwise
from synthfr.judging.judge_model import identity, judge_files
from synthfr.judging.panel import Candidate, Judgement, Panel, distribution
from synthfr.records import JUDGEMENTS

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.engines.asking import QuestionSettings
    from synthfr.engines.engine_settings import Engines


class Judge(QuestionSettings):
    kind: Literal["none", "score", "pairwise"] = "none"

    @model_validator(mode="after")
    def _named(self) -> Judge:
        if self.kind != "none" and not self.model:
            raise ValueError("kind is not 'none', so 'model' must name the judge")
        return self


_KINDS = {"score": criteria.judge, "pairwise": pairwise.judge}


@dataclass(frozen=True)
class Judged:
    """`table` (JUDGEMENTS, one row a candidate, sorted) and numbers about it."""

    table: pd.DataFrame
    measures: dict[str, Any]


def judge(
    candidates: pd.DataFrame,
    prompts: pd.DataFrame,
    params: Judge,
    engines: Engines,
    *,
    round_name: str,
    random_seed: int,
    merged: Path,
    scratch: Path,
) -> Judged:
    """Judge every candidate (CANDIDATES) in the language of its prompt (PROMPTS), joined by id.

    The model is loaded once for all of them; with kind ``none`` nothing is loaded and every
    judgement is null. `scratch` keeps finished shards of a killed run; `merged` is
    `open_engine`'s.
    """
    read = _candidates(candidates, prompts)
    if params.kind == "none":
        return _judged(read, [Judgement(*one.key) for one in read], {})
    files = judge_files(params)
    own = scratch / digest(identity(files, engines))[:16]
    with open_engine(params, asked_by_chat(engines, params), files, merged) as engine:
        panel = Panel(engine, params, round_name, random_seed, own)
        found, measures = _KINDS[params.kind](read, panel)
        return _judged(read, found, measures | engine.measures())


def asked_by_chat(engines: Engines, params: QuestionSettings) -> Engines:
    """The engines, with a server asked for chat completions at the judge's own address if it has
    one: a judge is an instruct model, whose template only the server has.
    """
    own: dict[str, Any] = {"chat": True}
    if params.base_url is not None:
        own["base_url"] = params.base_url
    return engines.model_copy(update={"openai": engines.openai.model_copy(update=own)})


def _candidates(candidates: pd.DataFrame, prompts: pd.DataFrame) -> list[Candidate]:
    language = dict(zip(prompts["prompt_id"], prompts["language"], strict=True))
    columns = (candidates[name].tolist() for name in ("prompt_id", "candidate", "text"))
    rows = sorted(zip(*columns, strict=True))
    if unknown := sorted({prompt_id for prompt_id, *_ in rows} - set(language)):
        raise UserError(
            f"judge: {len(unknown)} prompt_id of the candidates, such as {unknown[0]!r}, are not "
            "among the prompts: they come from another run of keywords; run generate again."
        )
    return [Candidate(name, number, text, language[name]) for name, number, text in rows]


def _judged(read: list[Candidate], found: list[Judgement], measures: dict[str, Any]) -> Judged:
    import pandas as pd

    table = pd.DataFrame([asdict(one) for one in found], columns=JUDGEMENTS.schema.names)
    given = [one.judge for one in found if one.judge is not None]
    return Judged(
        table,
        {
            "candidates": len(read),
            "blank": sum(one.blank for one in read),
            "judged": len(given),
            "judge": distribution(given),
            **measures,
        },
    )
