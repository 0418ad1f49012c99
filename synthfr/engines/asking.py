"""Questions to a judge, and its answers: JSON of one form, asked again once when it is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from synthfr import seeding
from synthfr.engines import Completion, Engine, Request
from synthfr.engines.engine_settings import Sampling
from synthfr.engines.shards import complete
from synthfr.errors import UserError
from synthfr.section import Count, NonNegative, Share

if TYPE_CHECKING:
    pass


class QuestionSettings(Sampling):
    """A language model that answers questions about texts; `base_url` is its own server's."""

    model: str | None = None
    base_url: str | None = None
    temperature: NonNegative = 0.7
    max_unparsable_share: Share = 0.02
    shard_size: Count = 2000
    max_new_tokens: Count = 40


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
class Form(Generic[T]):
    """What an answer must look like: a JSON schema, and what turns parsed JSON into an answer
    (None: it is not of this form).
    """

    schema: str
    read: Callable[[Any], T | None]


@dataclass(frozen=True)
class Answers(Generic[T]):
    """`given` by question id; a question that is missing there was never answered in form."""

    given: Mapping[str, T]
    measures: dict[str, float | None]


def ask(
    engine: Engine,
    questions: Sequence[Question],
    form: Form[T],
    params: QuestionSettings,
    *,
    section: str,
    seeded: tuple[int, *tuple[str, ...]],
    scratch: Path,
) -> Answers[T]:
    """Put all questions to the engine, those without an answer in form once more with another seed.

    UserError when more than ``params.max_unparsable_share`` of them have none then; `section` is
    the name of `params`. A draw is named by `seeded` (the seed first) and what is asked about.
    `scratch` keeps finished shards: answers, not questions.
    """
    given: dict[str, T] = {}
    open_, again, tokens, cut = list(questions), 0, 0, 0
    for attempt in range(ATTEMPTS):
        if not open_:
            break
        again = len(open_) if attempt else 0
        requests = [
            Request(
                id=one.id,
                prompt=one.prompt,
                seed=seeding.derive(*seeded, *one.about, attempt),
                temperature=params.temperature,
                top_p=params.top_p,
                top_k=params.top_k,
                max_new_tokens=params.max_new_tokens,
                json_schema=form.schema,
            )
            for one in open_
        ]
        completions = complete(engine, requests, params.shard_size, scratch)
        tokens += sum(completion.n_tokens for completion in completions.values())
        answers = {name: read(completion, form) for name, completion in completions.items()}
        given |= {name: answer for name, answer in answers.items() if answer is not None}
        open_ = [one for one in open_ if one.id not in given]
        cut = sum(completions[one.id].finish_reason == "length" for one in open_)
    share = len(open_) / len(questions) if questions else 0.0
    if share > params.max_unparsable_share:
        raise UserError(
            f"The judge answered {len(open_)} of {len(questions)} questions ({share:.1%}) in no "
            f"usable form, also when asked again ({cut} were cut at {section}.max_new_tokens), "
            f"such as that about {open_[0].id}: raise {section}.max_new_tokens or choose a judge "
            "that follows a JSON schema."
        )
    return Answers(
        given,
        {
            "questions": len(questions),
            "asked_again": again,
            "unparsable": len(open_),
            "unparsable_share": share,
            "tokens": tokens,
        },
    )


def read(completion: Completion, form: Form[T]) -> T | None:
    """The answer, None if it is not in form."""
    import json

    try:
        parsed = json.loads(completion.text)
    except (ValueError, RecursionError):
        return None
    return form.read(parsed)
