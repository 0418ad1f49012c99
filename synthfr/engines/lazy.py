"""An engine that is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from synthfr.engines.protocol import Completion, Engine, Request


class LazyEngine:
    """The engine that `load` makes at the first request."""

    def __init__(self, load: Callable[[], Engine]) -> None:
        self._load = load
        self._loaded = False

    @cached_property
    def _engine(self) -> Engine:
        self._loaded = True
        return self._load()

    @property
    def independent(self) -> bool:
        """See `Engine`; loads it."""
        return self._engine.independent

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """See `Engine.generate`."""
        return self._engine.generate(requests)

    def measures(self) -> dict[str, Any]:
        """See `Engine.measures`; nothing of an engine that was not needed."""
        return self._engine.measures() if self._loaded else {}
