"""A small round of candidates, its prompts, a judge's parameters, and a judge with a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from synthfr import judging
from synthfr.disk import read_yaml
from synthfr.engines import Request
from synthfr.engines.asking import Respondent, open_respondent
from synthfr.engines.engine_settings import Engines
from synthfr.judging.judgements import Judge, Judged
from synthfr.judging.rows import Candidate
from tests.engines.fake import FakeEngine

ROOT = Path(__file__).parents[2]


def params(**changes: Any) -> Judge:
    shipped = read_yaml(ROOT / "params.yaml")["judge"]
    return Judge.model_validate(shipped | {"kind": "score", "model": "somewhere"} | changes)


def engines() -> Engines:
    return Engines.model_validate(read_yaml(ROOT / "params.yaml")["engines"])


def judge(
    tables: tuple[pd.DataFrame, pd.DataFrame],
    params: Judge,
    scratch: Path,
    seed: int = 7,
    **vllm: object,
) -> Judged:
    """As the stage does."""
    own = engines()
    own = own.model_copy(update={"vllm": own.vllm.model_copy(update=vllm)})
    with open_respondent(
        "judge",
        params,
        own,
        seed=(seed, "judge", "dpo1"),
        merged=scratch / "merged",
        scratch=scratch,
    ) as respondent:
        return judging.judge(*tables, params.kind, respondent, params.unparsable)


def candidates(**texts: list[str]) -> list[Candidate]:
    """By prompt, in French."""
    return [
        Candidate(prompt_id, number, text, "fr")
        for prompt_id, own in texts.items()
        for number, text in enumerate(own)
    ]


def tables(**texts: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same as CANDIDATES (what the judge reads of it) and PROMPTS."""
    rows = [(one.prompt_id, one.number, one.text) for one in candidates(**texts)]
    frame = pd.DataFrame(rows, columns=["prompt_id", "candidate", "text"])
    frame["candidate"] = frame["candidate"].astype("int8")
    prompts = pd.DataFrame({"prompt_id": list(texts), "language": "fr"})
    return frame, prompts


def respondent(
    answer: Callable[[Request], str], chunks: Path, **changes: Any
) -> tuple[Respondent, FakeEngine]:
    """A judge that answers by `answer`, and the engine that remembers what it was asked."""
    engine = FakeEngine(answer)
    judge = Respondent(engine, params(**changes), "judge", (7, "judge", "dpo1"), chunks)
    return judge, engine
