"""A language model that reads a private document beside a candidate and rates, 0-10, how similar
they are clinically. Private side: a number is all that comes of it.

Its questions hold private text and stay in this process, or go to a server on this machine. What
is kept of them: chunks with ids and grades, under a hash of the questions.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from synthfr.engines import Completion, Engine, Request
from synthfr.engines.asking import (
    AnswerSchema,
    Question,
    QuestionSettings,
    Respondent,
    open_respondent,
)
from synthfr.errors import UserError
from synthfr.judging.templates import fill, template
from synthfr.records import SIMILARITIES
from synthfr.scoring.comparisons import Comparison, beside_documents
from synthfr.scoring.controls import Control
from synthfr.section import Count

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.engines.engine_settings import Engines


class SimilarityJudge(QuestionSettings):
    """Parameters `similarity_judge`: see the comments in params.yaml."""

    max_new_tokens: Count = 20


HIGHEST = 10
SECTION: Final = "similarity_judge"
TEMPLATES = "synthfr.scoring.questions"
_KEY = "similarity"


def _grade(answer: Any) -> int | None:
    if not isinstance(answer, dict) or set(answer) != {_KEY}:
        return None
    grade = answer[_KEY]
    return grade if type(grade) is int and 0 <= grade <= HIGHEST else None


GRADE = AnswerSchema(
    json.dumps(
        {
            "type": "object",
            "properties": {_KEY: {"type": "integer", "minimum": 0, "maximum": HIGHEST}},
            "required": [_KEY],
            "additionalProperties": False,
        }
    ),
    _grade,
)


@dataclass(frozen=True)
class SimilarityJudged:
    """`table` (SIMILARITIES, one row a candidate, sorted) and numbers about it."""

    table: pd.DataFrame
    measures: dict[str, Any]


def judge_similarity(
    candidates: pd.DataFrame,
    keyed: pd.DataFrame,
    respondent: Respondent | None,
    *,
    strip_headings: bool,
    control: Control,
    random_seed: int,
    round_name: str,
) -> SimilarityJudged:
    """Have `respondent` (of `open_similarity_judge`) compare every candidate (CANDIDATES) with its
    private document (KEYED); see `beside_documents`.

    Similarities are in [0, 1], null where there is no answer in the schema; a blank text is not
    asked about and has 0. Without a respondent all are null.
    """
    compared = beside_documents(
        candidates,
        keyed,
        strip_headings=strip_headings,
        control=control,
        random_seed=random_seed,
        round_name=round_name,
    ).rows
    if respondent is None:
        return _judged(compared, [None] * len(compared), {})
    questions = {at: question(row) for at, row in enumerate(compared) if not row.blank}
    answers = respondent.answer(list(questions.values()), GRADE)
    grades = [
        answers.by_id.get(questions[at].id) if at in questions else 0 for at in range(len(compared))
    ]
    similarities = [None if grade is None else grade / HIGHEST for grade in grades]
    return _judged(compared, similarities, answers.measures)


def question(compared: Comparison) -> Question:
    """What the judge is asked, in the report's language where there is a template in it."""
    # the document first: the candidates of a prompt share all that is before their own text
    wording = template(SECTION, compared.language, TEMPLATES)
    return Question(
        (compared.prompt_id, compared.number),
        fill(wording, document=compared.document, candidate=compared.candidate),
    )


def _judged(
    compared: Sequence[Comparison], similarities: Sequence[float | None], measures: dict[str, Any]
) -> SimilarityJudged:
    import pandas as pd

    rows = [
        (row.prompt_id, row.number, similarity)
        for row, similarity in zip(compared, similarities, strict=True)
    ]
    table = pd.DataFrame(rows, columns=SIMILARITIES.schema.names)
    return SimilarityJudged(
        table.sort_values(list(SIMILARITIES.key), ignore_index=True),
        {
            "candidates": len(compared),
            "blank": sum(row.blank for row in compared),
            "judged": sum(similarity is not None for similarity in similarities),
            **measures,  # nothing of the grades: what may be told of them, `release` decides
        },
    )


@contextmanager
def open_similarity_judge(
    params: SimilarityJudge, engines: Engines, *, random_seed: int, merged: Path, scratch: Path
) -> Iterator[Respondent | None]:
    """`open_respondent` for private text: of its answers nothing but the grade is seen or kept.

    UserError when the server is not on this machine.
    """
    if params.enabled and params.engine == "openai":
        engines = _on_this_machine(engines, params.base_url)
    seed = (random_seed, "similarity judge")
    with (
        _no_proxy(),
        open_respondent(
            SECTION, params, engines, seed=seed, merged=merged, scratch=scratch
        ) as respondent,
    ):
        if respondent is not None:
            respondent = replace(respondent, engine=_GradesOnly(respondent.engine))
        yield respondent


class _GradesOnly:
    """An engine of whose answers nothing but the grade is ever seen or kept: a model that is not
    held to the schema may quote what it read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def independent(self) -> bool:
        return self._engine.independent

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        for completion in self._engine.generate(requests):
            grade = GRADE.parse(completion.text)
            yield replace(completion, text="" if grade is None else json.dumps({_KEY: grade}))

    def measures(self) -> dict[str, Any]:
        return self._engine.measures()


def _on_this_machine(engines: Engines, base_url: str | None) -> Engines:
    """The engines with the server's address fixed, once it is shown to be this machine's."""
    address = base_url or engines.openai.base_url or os.environ.get("OPENAI_BASE_URL") or ""
    if not address:
        raise UserError(
            f"{SECTION}.engine is openai, but no server is named: set {SECTION}.base_url to one on "
            "this machine (http://127.0.0.1:port/v1)."
        )
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    if not _is_loopback(host):
        raise UserError(
            f"{SECTION}: the server '{host}' is not on this machine, and private text goes to no "
            f"other: set {SECTION}.base_url to one that runs here (http://127.0.0.1:port/v1), or "
            "choose engine: vllm or transformers."
        )
    fixed = engines.openai.model_copy(update={"base_url": address})
    return engines.model_copy(update={"openai": fixed})


def _is_loopback(host: str) -> bool:
    """By its address, not by what a name server says; "localhost" is this machine by RFC 6761."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _no_proxy() -> Iterator[None]:
    """Clients send through HTTP_PROXY what is for this machine, too."""
    names = ("no_proxy", "NO_PROXY")
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ |= dict.fromkeys(names, "*")
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ |= before
