"""When to ask a server, and when to ask it again: even spacing, pauses that grow, and what a server
itself says about both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from synthfr import seeding

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
# a server that asks for a longer pause (a daily quota) is not waited for
LONGEST_WAIT_S = 600.0
# timeout, conflict, too early, too many requests; every 5xx too
_PASSING = frozenset({408, 409, 425, 429})


class Fault(Exception):
    """An attempt that failed in a way that may pass. `cause` is a short name to count by (timeout,
    connection, cut, 429, ...); `wait_s` the pause that the server asked for.
    """

    def __init__(self, cause: str, wait_s: float | None = None) -> None:
        super().__init__(cause)
        self.cause, self.wait_s = cause, wait_s


class Pace:
    """Lets requests start: evenly spaced, at most `per_minute` (None: at any rate), and none during
    a pause that the server asked for.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._spacing_s = 60 / per_minute if per_minute else 0.0
        self._next = self._held_until = 0.0  # times of the event loop, in seconds

    async def turn(self) -> None:
        """Return when the next request may start; those that wait are let through in order."""
        loop = asyncio.get_running_loop()
        while True:
            # taken before anything is awaited: no two requests have the same turn
            at = max(loop.time(), self._next, self._held_until)
            self._next = at + self._spacing_s
            await asyncio.sleep(max(0.0, at - loop.time()))
            if self._held_until <= at:  # no pause was asked for meanwhile
                return

    def hold(self, seconds: float) -> None:
        """Let nothing start for so long."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)


def passes(status: int) -> bool:
    """Whether the same request may succeed later, after an answer with this HTTP status."""
    return status in _PASSING or status >= 500


def pause_s(seed: int, attempt: int) -> float:
    """Seconds to wait after the failed `attempt` (from 0): doubling, and shortened by up to half by
    the request's seed, so that requests that failed together do not come back together.
    """
    share: float = seeding.derive(seed, "pause", attempt) / 2**seeding.SEED_BITS
    grown = min(FIRST_PAUSE_S * 2.0**attempt, LONGEST_PAUSE_S)
    return grown * (1 - share / 2)


def wait_asked_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the headers of an answer ask to wait (RFC 9110, 10.2.3: a number or a date;
    also in milliseconds, as OpenAI says it); None when they say nothing that can be read.
    """
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" not in headers:
            return None
        value = headers["retry-after"]
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
