"""Engine on a transformers model: length-sorted batches of any mix of sampling values.

Imports torch and transformers: reach it through `synthfr.engines.open_engine`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from synthfr.engines.protocol import Completion, Request
from synthfr.engines.token_ids import limit, text
from synthfr.engines.transformers.decoding import decode
from synthfr.engines.transformers.sampling import Sampler
from synthfr.errors import UserError
from synthfr.hardware import check_gpu_memory
from synthfr.models import ModelFiles, Policy, encode_prompts, end_tokens
from synthfr.models.footprint import Footprint

if TYPE_CHECKING:
    from synthfr.engines.engine_settings import Sampling
    from synthfr.engines.structured import Grammars, Schemas


class TransformersEngine:
    """Writes with the policy's model: on the GPU in bfloat16 where there is one, else on the CPU in
    float32.
    """

    independent = False  # sums of differently filled batches round differently

    def __init__(self, policy: Policy, batch_size: int) -> None:
        cuda = torch.cuda.is_available()
        device, dtype = ("cuda", torch.bfloat16) if cuda else ("cpu", torch.float32)
        self._model = policy.model.eval().to(device, dtype)
        self._tokenizer = policy.tokenizer
        self._chat_template = policy.chat_template
        self._batch_size = batch_size
        self._ends = end_tokens(policy.model.generation_config, policy.tokenizer)
        config = self._model.config.get_text_config(decoder=True)
        self._context: int | None = getattr(config, "max_position_embeddings", None)
        self._vocabulary: int = config.vocab_size
        self._schemas: Schemas | None = None  # made when a request first has one

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """See `Engine.generate`; batches hold requests of like length, equal prompts together."""
        prompts = dict.fromkeys(request.prompt for request in requests)
        if not prompts:
            return
        encoded = self._encode(list(prompts))
        ids: dict[str, list[int]] = dict(zip(prompts, encoded, strict=True))
        ordered = sorted(requests, key=lambda r: (len(ids[r.prompt]), r.prompt, r.id))
        for start in range(0, len(ordered), self._batch_size):
            batch = ordered[start : start + self._batch_size]
            yield from self._batch(batch, [ids[request.prompt] for request in batch])

    def measures(self) -> dict[str, Any]:
        """Nothing beyond the texts."""
        return {}

    def stream(self, request: Request) -> Iterator[str]:
        """The report of one request in pieces, as it is written."""
        (prompt,) = self._encode([request.prompt])
        written: list[int] = []
        whole = shown = ""
        for _, tokens in self._tokens([request], [prompt]):
            written.append(int(tokens[0]))
            whole = text(self._tokenizer, written)
            # a character of several bytes is not whole before its last token
            if len(whole) > len(shown) and not whole.endswith("\ufffd"):
                yield whole[len(shown) :]
                shown = whole
        if len(whole) > len(shown):
            yield whole[len(shown) :]

    def _encode(self, prompts: list[str]) -> list[list[int]]:
        return encode_prompts(self._tokenizer, prompts, self._chat_template)

    def _batch(self, requests: list[Request], prompts: list[list[int]]) -> Iterator[Completion]:
        written: list[list[int]] = [[] for _ in requests]
        for rows, tokens in self._tokens(requests, prompts):
            for row, token in zip(rows.tolist(), tokens.tolist(), strict=True):
                written[row].append(token)
        for request, ids in zip(requests, written, strict=True):
            stopped = ids[-1] in self._ends
            yield Completion(
                id=request.id,
                text=text(self._tokenizer, ids),
                seed=request.seed,
                temperature=request.temperature,
                top_p=request.top_p,
                n_tokens=len(ids) - stopped,
                finish_reason="stop" if stopped else "length",
            )

    def _tokens(
        self, requests: list[Request], prompts: list[list[int]]
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        limits = [
            limit(request, prompt, self._context)
            for request, prompt in zip(requests, prompts, strict=True)
        ]
        sampler = Sampler(requests, self._model.device, self._grammars(requests))
        pad = self._tokenizer.pad_token_id
        try:
            yield from decode(self._model, prompts, limits, sampler, self._ends, pad)
        except torch.OutOfMemoryError as error:
            raise UserError(
                f"The GPU's memory does not hold {len(requests)} reports at once: lower batch_size."
            ) from error

    def _grammars(self, requests: list[Request]) -> Grammars | None:
        if all(request.json_schema is None for request in requests):
            return None
        from synthfr.engines.structured import Schemas

        if self._schemas is None:
            self._schemas = Schemas(self._tokenizer, self._vocabulary)
        return self._schemas.grammars([request.json_schema for request in requests])


def check_memory(files: ModelFiles, how: Sampling) -> None:
    """UserError when the GPU, where there is one, cannot hold the weights and the keys and values
    of ``how.batch_size`` texts, before anything is loaded.
    """
    if not torch.cuda.is_available():
        return
    size = Footprint.of(files.folder, str(files.folder))
    tokens = how.batch_size * how.max_new_tokens
    check_gpu_memory(
        size.weights("bfloat16") + size.kv_cache(tokens, "bfloat16"),
        f"Writing {how.batch_size} texts of up to {how.max_new_tokens} tokens with {files.name}",
        "lower batch_size, or name the engine vllm",
    )
