"""What a check of the surroundings, of the parameters or of the user's data tells: one line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """How much a finding weighs: ``stop`` means that a run would fail."""

    OK = "ok"
    NOTE = "note"
    STOP = "stop"


@dataclass(frozen=True)
class Finding:
    """One line of a report; `text` says how to mend what is not well."""

    topic: str
    weight: Weight
    text: str
