"""Writing reports: engines behind one protocol, candidates of a round, data set of a step.

Heavy libraries load when an engine is made, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from synthfr.errors import UserError
from synthfr.generation.candidates import candidates, candidates_summary
from synthfr.generation.protocol import Completion, Engine, Request
from synthfr.generation.synthesis import Synthesis, synthesis

if TYPE_CHECKING:
    from synthfr.models import Policy

__all__ = [
    "Completion",
    "Engine",
    "Request",
    "Synthesis",
    "candidates",
    "candidates_summary",
    "engine",
    "stream",
    "synthesis",
]

ENGINES = ("transformers",)


def engine(name: str, policy: Policy, batch_size: int) -> Engine:
    """The engine called `name`, writing with `policy`, `batch_size` reports at once."""
    if name not in ENGINES:
        raise UserError(f"There is no engine '{name}': choose one of {', '.join(ENGINES)}.")
    from synthfr.generation.transformers_engine import TransformersEngine

    return TransformersEngine(policy, batch_size)


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
