"""Engine on vLLM: all requests of a call at once, so that equal prompts are read once.

Token ids go in and come out; text is made of them as by the transformers engine. vLLM runs inside
this process, which makes its schedule, and so its floating-point sums, the same in every run.
Imports torch, transformers and, when an engine is made, vLLM: reach it through
`synthfr.engines.open_engine`.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from synthfr.engines.protocol import Completion, Engine, FinishReason, Request
from synthfr.engines.structured import LAYOUT
from synthfr.engines.token_ids import limit, text
from synthfr.engines.vllm import vllm_setup
from synthfr.engines.vllm.data_parallel import parallel_engine
from synthfr.errors import UserError
from synthfr.models import ModelFiles, encode_prompts, end_tokens, load_tokenizer
from synthfr.models.merged import composed_adapter, merged_policy

if TYPE_CHECKING:
    from synthfr.engines.vllm.vllm_settings import VllmSettings

_ADAPTER_ID = 1  # of the one adapter that an engine has


@contextmanager
def vllm_engine(
    batch_size: int, settings: VllmSettings, files: ModelFiles, merged: Path
) -> Iterator[Engine]:
    """An engine for the model of `files`, in ``settings.data_parallel`` processes if more than one.

    `merged` is where policies lie as files; this one is made there if it is not yet.
    """
    vllm_setup.check(settings)
    with vllm_setup.environment(), ExitStack() as opened:
        dtype = vllm_setup.dtype(settings)
        adapter = None
        if settings.policy == "merged":
            weights = opened.enter_context(merged_policy(files, merged, dtype))
        else:
            weights = files.folder
            adapter = opened.enter_context(composed_adapter(files, merged))
        make = partial(VllmEngine, files, weights, adapter, settings, batch_size)
        if settings.data_parallel == 1:
            yield opened.enter_context(closing(make()))
        else:
            each = vllm_setup.devices(settings)
            yield opened.enter_context(parallel_engine(make, each))


class VllmEngine:
    """One vLLM in this process, which holds no second one; `close` gives its memory back."""

    independent = False  # sums of differently filled batches round differently

    def __init__(
        self,
        files: ModelFiles,
        weights: Path,
        adapter: Path | None,
        settings: VllmSettings,
        batch_size: int,
    ) -> None:
        """`weights` are a model folder, `adapter` an adapter on it; tokenizer and form of the
        prompts are those of `files`.
        """
        self._tokenizer = load_tokenizer(files)
        self._chat_template = files.chat_template
        self._ends = end_tokens(_generation_config(weights), self._tokenizer)
        self._section = settings.section
        self._llm = vllm_setup.load(weights, adapter, settings, batch_size)
        self._context: int = self._llm.llm_engine.model_config.max_model_len
        self._adapter = self._lora_request(adapter)

    def close(self) -> None:
        """Stop vLLM: its processes end, its memory is free again."""
        self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """See `Engine.generate`. Prefixes are shared within this call, not with earlier ones, so
        that a call's outcome does not depend on them.
        """
        prompts = list(dict.fromkeys(request.prompt for request in requests))
        if not prompts:
            return
        encoded = encode_prompts(self._tokenizer, prompts, self._chat_template)
        ids: dict[str, list[int]] = dict(zip(prompts, encoded, strict=True))
        sampling = [self._sampling(request, ids[request.prompt]) for request in requests]
        self._llm.reset_prefix_cache()
        try:
            answers = self._llm.generate(
                [{"prompt_token_ids": ids[request.prompt]} for request in requests],
                sampling,
                use_tqdm=sys.stderr.isatty(),
                lora_request=self._adapter,
            )
        except torch.OutOfMemoryError as error:
            raise vllm_setup.too_small(error, self._section) from error
        for request, used, answer in zip(requests, sampling, answers, strict=True):
            yield self._completion(request, used, answer.outputs[0])

    def measures(self) -> dict[str, Any]:
        """Nothing beyond the texts."""
        return {}

    def _sampling(self, request: Request, prompt: list[int]) -> Any:
        """vLLM's SamplingParams of a request; UserError for what vLLM does not take."""
        from vllm import SamplingParams
        from vllm.exceptions import VLLMClientError
        from vllm.sampling_params import StructuredOutputsParams

        schema = None
        if request.json_schema is not None:
            # the same one way to write an object as in the transformers engine
            laid_out = json.loads(request.json_schema) | {"x-guidance": LAYOUT}
            schema = StructuredOutputsParams(json=json.dumps(laid_out))
        longest = f"{self._section}.max_model_len"
        max_tokens = limit(request, prompt, self._context, longest)
        try:
            return SamplingParams(
                seed=request.seed,
                temperature=request.temperature,
                top_p=request.top_p,
                top_k=request.top_k,
                max_tokens=max_tokens,
                stop_token_ids=self._ends,
                detokenize=False,
                structured_outputs=schema,
            )
        except VLLMClientError as error:
            raise UserError(
                f"vLLM refuses the sampling values of {request.id}: {error}: change them."
            ) from error

    def _completion(self, request: Request, used: Any, answer: Any) -> Completion:
        ids = list(answer.token_ids)
        reasons: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
        if answer.finish_reason not in reasons:
            raise RuntimeError(f"vLLM left {request.id} unfinished ({answer.finish_reason})")
        return Completion(
            id=request.id,
            text=text(self._tokenizer, ids),
            # as vLLM used them: greedy has no top_p, temperatures close to 0 are raised
            seed=used.seed,
            temperature=used.temperature,
            top_p=used.top_p,
            n_tokens=len(ids) - (ids[-1] in self._ends),
            finish_reason=reasons[answer.finish_reason],
        )

    @staticmethod
    def _lora_request(adapter: Path | None) -> Any:
        if adapter is None:
            return None
        from vllm.lora.request import LoRARequest

        return LoRARequest(adapter.name, _ADAPTER_ID, str(adapter))


def _generation_config(folder: Path) -> Any:
    """What a model of this folder has as its generation config once it is loaded."""
    from transformers import AutoConfig, GenerationConfig

    if (folder / "generation_config.json").is_file():
        return GenerationConfig.from_pretrained(folder, local_files_only=True)
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return GenerationConfig.from_model_config(config)
