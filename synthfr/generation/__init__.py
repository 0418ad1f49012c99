"""Writing reports: engines behind one protocol, candidates of a round, data set of a step.

Heavy libraries load when an engine is made, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthfr.generation.candidates import candidate_requests, candidates, candidates_summary
from synthfr.generation.lazy import LazyEngine
from synthfr.generation.protocol import Completion, Engine, Request
from synthfr.generation.shards import Share, write_share
from synthfr.generation.synthesis import Synthesis, plan, synthesis

if TYPE_CHECKING:
    from synthfr.models import ModelFiles, Policy
    from synthfr.params import Engines, Sampling

__all__ = [
    "Completion",
    "Engine",
    "Request",
    "Share",
    "Synthesis",
    "candidate_requests",
    "candidates",
    "candidates_summary",
    "engine",
    "identity",
    "lazy_engine",
    "plan",
    "stream",
    "synthesis",
    "write_share",
]


@contextmanager
def engine(
    how: Sampling,
    engines: Engines,
    files: ModelFiles,
    merged: Path,
) -> Iterator[Engine]:
    """The engine that ``how.engine`` names, writing with the model of `files`, ``how.batch_size``
    texts at once.

    It is closed at the end: memory, processes and connections are given back. `merged` is a folder
    for merged weights, where the engine needs them as files; stages share it.
    """
    if how.engine == "vllm":
        from synthfr.generation.vllm_engine import vllm_engine

        with vllm_engine(how.batch_size, engines.vllm, files, merged) as made:
            yield made
    elif how.engine == "openai":
        from synthfr.generation.openai_engine import OpenaiEngine

        with OpenaiEngine(how, engines.openai, files) as asked:
            yield asked
    else:
        from synthfr import models
        from synthfr.generation.transformers_engine import TransformersEngine, check_memory

        check_memory(files, how)
        yield TransformersEngine(models.load(files), how.batch_size)


@contextmanager
def lazy_engine(
    how: Sampling,
    engines: Engines,
    files: ModelFiles,
    merged: Path,
) -> Iterator[Engine]:
    """`engine`, loaded when it is first asked for something: where every shard is there it never
    is.
    """
    with ExitStack() as opened:
        yield LazyEngine(lambda: opened.enter_context(engine(how, engines, files, merged)))


def identity(how: Sampling, engines: Engines) -> dict[str, Any]:
    """What of the engine's settings changes the texts: unfinished work is kept under it."""
    if how.engine == "vllm":
        return {"dtype": engines.vllm.dtype, "policy": engines.vllm.policy}
    if how.engine == "openai":
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
    from synthfr.generation.transformers_engine import TransformersEngine

    request = Request("sample", prompt, seed, temperature, top_p, top_k, max_new_tokens)
    return TransformersEngine(policy, batch_size=1).stream(request)
