"""What writes text: engines behind one protocol, and questions put to them.

`transformers`, `vllm` and `openai` hold one engine each, named as the parameters name it; heavy
libraries load when an engine is made, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.engines.chunks import Shard, write_shard
from synthfr.engines.lazy import LazyEngine
from synthfr.engines.protocol import Completion, Engine, Request

if TYPE_CHECKING:
    from synthfr.engines.engine_settings import Engines, Sampling
    from synthfr.engines.vllm.vllm_settings import Role
    from synthfr.models import ModelFiles, Policy

__all__ = [
    "Completion",
    "Engine",
    "Request",
    "Shard",
    "identity",
    "lazy_engine",
    "open_engine",
    "stream",
    "write_shard",
]


@contextmanager
def open_engine(
    params: Sampling,
    engines: Engines,
    files: ModelFiles,
    merged: Path,
    role: Role = "policy",
) -> Iterator[Engine]:
    """The engine that ``params.engine`` names, writing with the model of `files`,
    ``params.batch_size`` texts at once.

    It is closed at the end: memory, processes and connections are given back. `merged` is a folder
    for merged weights, where the engine needs them as files; stages share it. `role` is what the
    model is here for: a judge's vLLM has settings of its own.
    """
    if params.engine == "vllm":
        from synthfr.engines.vllm.vllm_engine import vllm_engine

        with vllm_engine(params.batch_size, engines.vllm.of(role), files, merged) as engine:
            yield engine
    elif params.engine == "openai":
        from synthfr.engines.openai.openai_engine import OpenaiEngine

        with OpenaiEngine(params, engines.openai, files) as engine:
            yield engine
    else:
        from synthfr import models
        from synthfr.engines.transformers.transformers_engine import (
            TransformersEngine,
            check_memory,
        )

        check_memory(files, params)
        yield TransformersEngine(models.load(files), params.batch_size)


@contextmanager
def lazy_engine(
    params: Sampling,
    engines: Engines,
    files: ModelFiles,
    merged: Path,
    role: Role = "policy",
) -> Iterator[Engine]:
    """`open_engine`, at its first request: where every chunk is there, nothing is loaded."""
    with ExitStack() as opened:
        made = open_engine(params, engines, files, merged, role)
        yield LazyEngine(lambda: opened.enter_context(made))


def identity(params: Sampling, engines: Engines) -> dict[str, Any]:
    """What of the engine's settings changes the texts: unfinished work is kept under it."""
    if params.engine == "vllm":
        return {"dtype": engines.vllm.dtype, "policy": engines.vllm.policy}
    if params.engine == "openai":
        return {"model": engines.openai.model, "chat": engines.openai.chat}
    return {}


def stream(
    policy: Policy,
    prompt: str,
    *,
    seed: int,
    temperature: float,
    top_p: float = 1.0,
    top_k: int = 0,
    max_new_tokens: int = 256,
) -> Iterator[str]:
    """One report in pieces as it is written; together they are what the engine writes at once."""
    from synthfr.engines.transformers.transformers_engine import TransformersEngine

    request = Request("sample", prompt, seed, temperature, top_p, top_k, max_new_tokens)
    return TransformersEngine(policy, batch_size=1).stream(request)
