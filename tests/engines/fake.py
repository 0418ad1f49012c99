"""An engine that writes without a model: its text tells what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from synthfr.engines import Completion, Request


class FakeEngine:
    """Remembers its calls; `write` makes a text of a request; stops after `until` calls."""

    independent = False

    def __init__(
        self, write: Callable[[Request], str] | None = None, until: int | None = None
    ) -> None:
        self._write = write or (lambda request: f"{request.prompt} #{request.seed % 1000}")
        self._until = until
        self.calls: list[list[Request]] = []

    def measures(self) -> dict[str, Any]:
        return {}

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        if self._until is not None and len(self.calls) >= self._until:
            raise KeyboardInterrupt
        self.calls.append(list(requests))
        for one in requests:
            text = self._write(one)
            yield Completion(
                one.id, text, one.seed, one.temperature, one.top_p, len(text.split()), "stop"
            )
