"""What every engine is asked and answers, so that stages need not know which one writes the
reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Request:
    """One report to write. Sampling values are used exactly as given: `temperature` 0 is greedy,
    `top_p` 1 and `top_k` 0 are off.
    """

    id: str
    prompt: str
    seed: int  # in [0, 2**63): the only source of chance for this report
    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    max_new_tokens: int = 256
    json_schema: str | None = None  # JSON text of a schema that the answer must follow; None: free


@dataclass(frozen=True, slots=True)
class Completion:
    """One written report, with the sampling values that were used for it."""

    id: str
    text: str
    seed: int
    temperature: float
    top_p: float
    n_tokens: int  # written, without the end-of-text token
    finish_reason: FinishReason  # "length": cut at max_new_tokens or at the model's context


class Engine(Protocol):
    """Writes reports. What a request yields depends on the policy and the request alone, as far as
    floating-point sums of differently filled batches are equal; the same list of requests always
    yields the same completions.
    """

    @property
    def independent(self) -> bool:
        """A text never depends on which others are asked for with it, so that an unfinished list
        may be finished in two goes.
        """
        ...

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """Completions of all requests, in any order."""
        ...

    def measures(self) -> dict[str, Any]:
        """What the writing came to beyond its texts, for the metrics; empty where there is no more
        to tell.
        """
        ...
