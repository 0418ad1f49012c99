"""A language model that reads a private document beside a candidate and rates, 0-10, how similar
they are clinically. Private side: a number is all that comes of it.

Its questions hold private text and stay in this process, or go to a server on this machine. What
is kept of them: shards with ids and grades, under a hash of the questions.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from synthfr.disk import digest
from synthfr.engines import Completion, Engine, Request, open_engine
from synthfr.engines.asking import Form, Question, QuestionSettings, ask, read
from synthfr.errors import UserError
from synthfr.judging.judge_model import identity, judge_files
from synthfr.judging.judgements import asked_by_chat
from synthfr.judging.templates import fill, template
from synthfr.section import Count

if TYPE_CHECKING:
    from synthfr.engines.engine_settings import Engines


class SimilarityJudge(QuestionSettings):
    max_new_tokens: Count = 20


HIGHEST = 10
SECTION = "score.similarity_judge"
_KEY = "similarity"


def _read(answer: Any) -> int | None:
    if not isinstance(answer, dict) or set(answer) != {_KEY}:
        return None
    grade = answer[_KEY]
    return grade if type(grade) is int and 0 <= grade <= HIGHEST else None


FORM = Form(
    schema=json.dumps(
        {
            "type": "object",
            "properties": {_KEY: {"type": "integer", "minimum": 0, "maximum": HIGHEST}},
            "required": [_KEY],
            "additionalProperties": False,
        }
    ),
    read=_read,
)


@dataclass(frozen=True)
class Comparison:
    """A candidate and the private document that its prompt came from."""

    prompt_id: str
    number: int
    document: str
    candidate: str
    language: str

    @property
    def blank(self) -> bool:
        return not (self.document.strip() and self.candidate.strip())

    def question(self) -> Question:
        # the document first: the candidates of a prompt share all that is before their own text
        asked = template(
            "similarity_judge", self.language, __package__, f"{SECTION}.model", off="null"
        )
        return Question(
            (self.prompt_id, self.number),
            fill(asked, document=self.document, candidate=self.candidate),
        )


def judge_similarity(
    comparisons: Sequence[Comparison],
    params: SimilarityJudge,
    engines: Engines,
    *,
    random_seed: int,
    merged: Path,
    scratch: Path,
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Similarities in [0, 1], shape (n_comparisons,), and measures.

    NaN where there is no answer in form; a blank text is not asked about and has 0. UserError when
    the server is not on this machine. `scratch` keeps finished shards of a killed run; `merged` is
    `open_engine`'s.
    """
    asked = {at: one.question() for at, one in enumerate(comparisons) if not one.blank}
    engines = asked_by_chat(engines, params)
    if params.engine == "openai":
        engines = _on_this_machine(engines)
    files = judge_files(params, f"{SECTION}.model")
    own = scratch / digest(identity(files, engines))[:16]
    with _no_proxy(), open_engine(params, engines, files, merged) as engine:
        answers = ask(
            _GradesOnly(engine),
            list(asked.values()),
            FORM,
            params,
            section=SECTION,
            seeded=(random_seed, "similarity judge"),
            scratch=own,
        )
        measures = answers.measures | engine.measures()
    found = np.zeros(len(comparisons))
    for at, question in asked.items():
        found[at] = answers.given.get(question.id, np.nan) / HIGHEST
    return found, measures


class _GradesOnly:
    """An engine of whose answers nothing but the grade is ever seen or kept: a model that is not
    held to the schema may quote what it read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.independent = engine.independent

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        for completion in self._engine.generate(requests):
            grade = read(completion, FORM)
            yield replace(completion, text="" if grade is None else json.dumps({_KEY: grade}))

    def measures(self) -> dict[str, Any]:
        return self._engine.measures()


def _on_this_machine(engines: Engines) -> Engines:
    """The engines with the server's address fixed, once it is shown to be this machine's."""
    address = engines.openai.base_url or os.environ.get("OPENAI_BASE_URL") or ""
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
