"""Engine on any OpenAI-compatible server: a running `vllm serve`, or a hosted API.

Many requests are under way at once; each is asked again when an answer is late, cut, refused for
now or no JSON. Reach it through `synthfr.engines.open_engine`.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthfr.engines.openai.openai_server import Server
from synthfr.engines.openai.retries import Fault, Pace, pause_s
from synthfr.engines.openai.usage import Usage
from synthfr.engines.protocol import Completion, Request
from synthfr.engines.token_ids import limit, text
from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.engines.engine_settings import Sampling
    from synthfr.engines.openai.openai_settings import OpenaiSettings
    from synthfr.models import ModelFiles

_SHOWN_MODELS = 10
_CHECK_RETRIES = 2  # a server that is not there is told soon
_COUNTED = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True)
class _Served:
    vllm: bool  # it takes, and tells, more than the API has
    context: int | None  # tokens of prompt and report, where the server tells


class OpenaiEngine:
    """Asks a server for the model that ``settings.model`` names ("{name}": the files' name).

    Prompts go as the token ids that every other engine and the training use; as text where the
    model's files are not here; or, with ``settings.chat``, as a user's turn, to which the server
    applies its template. No more than ``settings.concurrency`` requests are under way at once, and
    no more than a chunk's.
    """

    independent = True

    def __init__(self, how: Sampling, settings: OpenaiSettings, files: ModelFiles) -> None:
        if settings.chat and files.lineage and not files.chat_template:
            raise UserError(
                f"engines.openai.chat is true, but {files.name} was trained on plain prompts: set "
                "it to false, or train with base.chat_template."
            )
        self.usage = Usage()
        self._model = settings.model.replace("{name}", files.name)
        self._settings, self._files = settings, files
        self._at_once = min(settings.concurrency, how.chunk_size)
        self._server = Server(settings)
        self._pace = Pace(settings.requests_per_minute)
        self._runner = asyncio.Runner()
        self._closed = False
        self._served: _Served | None = None  # known once the server was first asked
        self._tokenizer: Any = None

    def __enter__(self) -> OpenaiEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is under way and close the connections."""
        if not self._closed:
            self._closed = True
            self._runner.run(self._server.close())
            self._runner.close()

    def measures(self) -> dict[str, Any]:
        """Requests, retries by cause, tokens and their cost so far, under ``server``."""
        return {"server": self.usage.measures(self._settings.price_per_million)}

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """See `Engine.generate`; completions come as they are finished.

        When a request fails for good, no other is begun, those under way are finished and
        yielded, and a UserError is raised at the end.
        """
        if not requests:
            return
        if self._served is None:
            self._served = self._runner.run(self._check())
        ids = self._token_ids({request.prompt for request in requests})
        answers: asyncio.Queue[Completion | Exception | None] = asyncio.Queue()
        workers = self._runner.run(self._begin(deque(requests), ids, answers))
        failure: Exception | None = None
        try:
            running = len(workers)
            while running:
                if self._closed:
                    raise RuntimeError("the engine was closed before all requests were answered")
                answer = self._runner.run(answers.get())
                if answer is None:
                    running -= 1
                elif isinstance(answer, Completion):
                    yield answer
                else:
                    failure = failure or answer
        finally:
            if not self._closed:
                self._runner.run(_stopped(workers))
        if failure is not None:
            raise failure

    def _token_ids(self, prompts: set[str]) -> dict[str, list[int]]:
        """Each prompt as the model reads it; empty where the tokenizer or the template that the
        server applies is not here.
        """
        if self._files.base is None or (self._settings.chat and not self._files.chat_template):
            return {}
        from synthfr.models import encode_prompts, load_tokenizer

        if self._tokenizer is None:
            self._tokenizer = load_tokenizer(self._files)
        ordered = sorted(prompts)
        ids = encode_prompts(self._tokenizer, ordered, self._files.chat_template)
        return dict(zip(ordered, ids, strict=True))

    async def _begin(
        self,
        waiting: deque[Request],
        ids: dict[str, list[int]],
        answers: asyncio.Queue[Completion | Exception | None],
    ) -> list[asyncio.Task[None]]:
        async def work() -> None:
            while waiting:
                request = waiting.popleft()
                try:
                    answers.put_nowait(await self._write(request, ids.get(request.prompt)))
                except Exception as error:  # raised again by `generate`
                    waiting.clear()
                    answers.put_nowait(error)
            answers.put_nowait(None)

        n = min(self._at_once, len(waiting))
        return [asyncio.create_task(work()) for _ in range(n)]

    async def _write(self, request: Request, ids: list[int] | None) -> Completion:
        path = "/chat/completions" if self._settings.chat else "/completions"
        body = self._body(request, ids)
        secrets = [request.prompt] + ([str(ids)[1:-1]] if ids else [])
        for attempt in range(self._settings.max_retries + 1):
            await self._pace.turn()
            self.usage.requests += 1
            try:
                answer = await self._server.ask(path, body, request.id, secrets)
                return self._completion(request, answer)
            except Fault as fault:
                cause = fault.cause
                if attempt < self._settings.max_retries:
                    self.usage.retries[cause] += 1
                    await self._pause(request.seed, attempt, fault)
        raise UserError(
            f"{self._server.url} gave no answer for {request.id} in "
            f"{self._settings.max_retries + 1} attempts, the last one "
            f"failed by {_sentence(cause)}: "
            "look at the server, raise engines.openai.max_retries or timeout_s, and run again; "
            "finished chunks are kept."
        )

    async def _pause(self, seed: int, attempt: int, fault: Fault) -> None:
        pause = pause_s(seed, attempt)
        if fault.wait_s is not None:
            self._pace.hold(fault.wait_s)  # all requests share the limit that this one met
            pause = max(pause, fault.wait_s)
        await asyncio.sleep(pause)

    def _body(self, request: Request, ids: list[int] | None) -> dict[str, Any]:
        assert self._served is not None
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": (
                request.max_new_tokens if ids is None else limit(request, ids, self._served.context)
            ),
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed,
        }
        if self._settings.chat:
            body["messages"] = [{"role": "user", "content": request.prompt}]
        else:
            body["prompt"] = request.prompt if ids is None else ids
        if self._served.vllm:
            # what is not said would come from the model's generation_config.json
            body |= {"top_k": request.top_k, "min_p": 0.0, "repetition_penalty": 1.0}
            body["return_token_ids"] = True
        elif request.top_k > 0:
            body["top_k"] = request.top_k
        if request.json_schema is not None:
            schema = {"name": "answer", "schema": json.loads(request.json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def _completion(self, request: Request, answer: Any) -> Completion:
        """A Fault when the answer does not hold what the API promises."""
        assert self._served is not None
        spent = answer.get("usage") if isinstance(answer, dict) else None
        if not isinstance(spent, dict) or not all(isinstance(spent.get(n), int) for n in _COUNTED):
            raise Fault("incomplete_answer")
        self.usage.prompt_tokens += spent["prompt_tokens"]
        n_tokens = spent["completion_tokens"]
        self.usage.completion_tokens += n_tokens
        try:
            choice = answer["choices"][0]
            written = choice["message"] if self._settings.chat else choice
            content = written["content" if self._settings.chat else "text"]
            reason, refused = choice["finish_reason"], written.get("refusal")
        except (TypeError, KeyError, IndexError, AttributeError):
            raise Fault("incomplete_answer") from None
        if self._served.vllm and answer.get("model") != self._model:
            raise UserError(f"{self._server.url} answers with another model than {self._model}.")
        if reason == "content_filter" or refused:
            self.usage.filtered += 1
            content, n_tokens, reason = "", 0, "stop"
        elif reason not in ("stop", "length") or not isinstance(content, str | None):
            raise Fault("unfinished_answer")  # such as abort, of a server that is going down
        else:
            ids = choice.get("token_ids")
            if ids is not None and self._tokenizer is not None:
                content = text(self._tokenizer, ids)  # as every other engine makes text of tokens
            # vLLM counts the end-of-text token, too
            n_tokens -= reason == "stop" and self._served.vllm
        return Completion(
            id=request.id,
            text=content or "",
            seed=request.seed,
            temperature=request.temperature,
            top_p=request.top_p,
            n_tokens=n_tokens,
            finish_reason=reason,
        )

    async def _check(self) -> _Served:
        """Whether the server serves the model, before any text is asked for."""
        retries = min(_CHECK_RETRIES, self._settings.max_retries)
        for attempt in range(retries + 1):
            try:
                await self._pace.turn()
                cards = await self._server.models()
                break
            except Fault as fault:
                if fault.cause == "connection" or attempt == retries:
                    raise self._server.unreachable() from None
                await self._pause(0, attempt, fault)
        if self._model not in cards:
            names = sorted(cards)
            shown = ", ".join(names[:_SHOWN_MODELS]) + (", ..." if names[_SHOWN_MODELS:] else "")
            raise UserError(
                f"{self._server.url} does not serve '{self._model}' but {shown or 'nothing'}: "
                f"start it with `vllm serve FOLDER --served-model-name {self._model}` (FOLDER: the "
                "merged model) or with `vllm serve BASE --enable-lora --lora-modules "
                f"{self._model}=ADAPTER`, or set engines.openai.model to what it serves."
            )
        card = cards[self._model]
        context = card.get("max_model_len")
        return _Served(
            vllm=card.get("owned_by") == "vllm",
            context=context if isinstance(context, int) else None,
        )


async def _stopped(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _sentence(cause: str) -> str:
    return f"status {cause}" if cause.isdigit() else cause.replace("_", " ")
