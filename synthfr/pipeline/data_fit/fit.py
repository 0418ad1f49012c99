"""A finding about data, base and parameters, with the values that would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthfr.pipeline.findings import Finding, Weight


@dataclass(frozen=True)
class Fit:
    """`settings`: parameters by their dotted names (``sft.max_length``) and the values that the
    finding's text names; empty where nothing need be set, or no parameter mends it.
    """

    finding: Finding
    settings: Mapping[str, Any] = field(default_factory=dict)


def ok(topic: str, text: str) -> Fit:
    return Fit(Finding(topic, Weight.OK, text))


def note(topic: str, text: str, settings: Mapping[str, Any] | None = None) -> Fit:
    return Fit(Finding(topic, Weight.NOTE, text), settings or {})


def stop(topic: str, text: str, settings: Mapping[str, Any] | None = None) -> Fit:
    return Fit(Finding(topic, Weight.STOP, text), settings or {})
