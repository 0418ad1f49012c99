"""What asking a server came to, and what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthfr.engines.openai.openai_settings import Price


@dataclass
class Usage:
    """What the requests of one engine came to, failed attempts included."""

    requests: int = 0  # attempts that were sent
    retries: Counter[str] = field(default_factory=Counter)  # attempts asked again, by cause
    filtered: int = 0  # answers that the server's content filter withheld
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def measures(self, price: Price) -> dict[str, float]:
        """Flat numbers for the metrics; `cost` in the currency of `price`."""
        cost = self.prompt_tokens * price.input + self.completion_tokens * price.output
        return {
            "requests": self.requests,
            "retries": self.retries.total(),
            **{f"retries_{cause}": n for cause, n in sorted(self.retries.items())},
            "filtered": self.filtered,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": cost / 1e6,
        }
