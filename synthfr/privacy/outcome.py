"""The three verdicts, as the metrics file has them."""

from __future__ import annotations

from enum import IntEnum


class Verdict(IntEnum):
    """Worse is higher."""

    PASS = 0
    CANNOT_TELL = 1
    FAIL = 2

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")
