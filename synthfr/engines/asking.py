"""Questions about texts that a language model answers in JSON of one schema.

`open_respondent` opens the model that a section of the parameters names; a `Respondent` puts
questions to it. What is not in the schema is asked for once more, then counted as unparsable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from synthfr import seeding
from synthfr.disk import digest
from synthfr.engines import Engine, Request, identity, lazy_engine
from synthfr.engines.chunks import complete
from synthfr.engines.engine_settings import Sampling
from synthfr.errors import UserError
from synthfr.models import ModelFiles
from synthfr.models.instruct import instruct_files, weights_identity
from synthfr.section import NOTHING_TO_WATCH, Count, NonNegative, Share

if TYPE_CHECKING:
    from synthfr.engines.engine_settings import Engines
    from synthfr.engines.vllm.vllm_settings import JudgeRole


class QuestionSettings(Sampling):
    """A language model that answers questions about texts; `base_url` is its own server's."""

    model: str | None = None
    watch: str = NOTHING_TO_WATCH
    base_url: str | None = None
    temperature: NonNegative = 0.7
    max_unparsable_share: Share = 0.02
    chunk_size: Count = 2000
    max_new_tokens: Count = 40

    @property
    def enabled(self) -> bool:
        """Whether there is a model to be asked."""
        return self.model is not None

    @property
    def loaded_model(self) -> str | None:
        """The model that is loaded on this machine, None where a server has it or none is asked."""
        return self.model if self.enabled and self.engine != "openai" else None


ATTEMPTS = 2

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """`about` names what is asked about (ids and numbers), and with it the draw of the answer."""

    about: tuple[str | int, ...]
    prompt: str

    @property
    def id(self) -> str:
        return "/".join(map(str, self.about))


@dataclass(frozen=True)
class AnswerSchema(Generic[T]):
    """What an answer must look like: a JSON schema, and what turns parsed JSON into an answer
    (None: it does not follow the schema).
    """

    json_schema: str
    convert: Callable[[Any], T | None]

    def parse(self, text: str) -> T | None:
        """The answer that a model's text holds, None if it does not follow the schema."""
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return self.convert(parsed)


@dataclass(frozen=True)
class Answers(Generic[T]):
    """`by_id` of the question: one that is missing there was never answered in the schema;
    `measures` of questions and engine.
    """

    by_id: Mapping[str, T]
    measures: dict[str, Any]


@dataclass(frozen=True)
class Respondent:
    """A language model ready to answer.

    A draw is named by `seed` (the parameter first) and by what is asked about. `chunks` keeps what
    is finished for the next run, should this one be killed: answers, not questions. `section` is
    where `params` stand in ``params.yaml``, for messages.
    """

    engine: Engine
    params: QuestionSettings
    section: str
    seed: tuple[int, *tuple[str, ...]]
    chunks: Path

    def answer(self, questions: Sequence[Question], schema: AnswerSchema[T]) -> Answers[T]:
        """Put all questions to the model, those without an answer once more with another seed.

        UserError when more than ``max_unparsable_share`` of them have none then.
        """
        answers: dict[str, T] = {}
        unanswered, asked_again, tokens, cut = list(questions), 0, 0, 0
        for attempt in range(ATTEMPTS):
            if not unanswered:
                break
            asked_again = len(unanswered) if attempt else 0
            requests = [self._request(one, schema.json_schema, attempt) for one in unanswered]
            completions = complete(self.engine, requests, self.params.chunk_size, self.chunks)
            tokens += sum(completion.n_tokens for completion in completions.values())
            parsed = {name: schema.parse(one.text) for name, one in completions.items()}
            answers |= {name: answer for name, answer in parsed.items() if answer is not None}
            unanswered = [one for one in unanswered if one.id not in answers]
            cut = sum(completions[one.id].finish_reason == "length" for one in unanswered)
        share = len(unanswered) / len(questions) if questions else 0.0
        if share > self.params.max_unparsable_share:
            raise UserError(
                f"The judge answered {len(unanswered)} of {len(questions)} questions ({share:.1%}) "
                f"in no usable form, also when asked again ({cut} were cut at "
                f"{self.section}.max_new_tokens), such as that about {unanswered[0].id}: raise "
                f"{self.section}.max_new_tokens or choose a judge that follows a JSON schema."
            )
        counts = {
            "questions": len(questions),
            "asked_again": asked_again,
            "unparsable": len(unanswered),
            "unparsable_share": share,
            "tokens": tokens,
        }
        return Answers(answers, counts | self.engine.measures())

    def _request(self, question: Question, json_schema: str, attempt: int) -> Request:
        return Request(
            id=question.id,
            prompt=question.prompt,
            seed=seeding.derive(*self.seed, *question.about, attempt),
            temperature=self.params.temperature,
            top_p=self.params.top_p,
            top_k=self.params.top_k,
            max_new_tokens=self.params.max_new_tokens,
            json_schema=json_schema,
        )


@contextmanager
def open_respondent(
    section: JudgeRole,
    params: QuestionSettings,
    engines: Engines,
    *,
    seed: tuple[int, *tuple[str, ...]],
    merged: Path,
    scratch: Path,
) -> Iterator[Respondent | None]:
    """The model that ``params.model`` names, loaded at the first question; None where there is none
    to be asked. It is closed at the end.

    UserError when the model's folder or snapshot is not there or not complete. `section` and `seed`
    are `Respondent`'s, `merged` is `open_engine`'s; `scratch` keeps finished chunks of a killed
    run, apart for each model.
    """
    if not params.enabled:
        yield None
        return
    # a server's model is known by its name alone, and the server applies its own template
    name = params.model or ""
    served = params.engine == "openai"
    files = ModelFiles(name, None) if served else instruct_files(name, f"{section}.model")
    engines = _by_chat(engines, params.base_url)
    chunks = scratch / digest([identity(params, engines), weights_identity(files)])[:16]
    with lazy_engine(params, engines, files, merged, section) as engine:
        yield Respondent(engine, params, section, seed, chunks)


def _by_chat(engines: Engines, base_url: str | None) -> Engines:
    """The engines, with a server asked for chat completions, at the model's own address if it has
    one: it is an instruct model, whose template only the server has.
    """
    own: dict[str, Any] = {"chat": True} | ({} if base_url is None else {"base_url": base_url})
    return engines.model_copy(update={"openai": engines.openai.model_copy(update=own)})
