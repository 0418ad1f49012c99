"""The tests of an audit as rows of a table: for the page, the card, the dossier and README."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthfr.privacy.outcome import Verdict
from synthfr.privacy.questions import Question, question

NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """One test; figures as a reader sees them, `NOTHING` where there is none.

    Attributes:
        risk: position in `verdicts.RISKS`.
        verbatim, reworded: the smallest leak found, in reports.
    """

    name: str
    question: Question
    risk: int
    used: str
    unused: str
    difference: str
    interval: str
    verbatim: str
    reworded: str
    verdict: Verdict


def rows(figures: Mapping[str, Any], language: str = "en", decimal: str = ".") -> list[Row]:
    """Of the ``tests`` in figures of metrics/privacy or metrics/linkage; `decimal` is the sign
    before the fraction.
    """

    def told(value: float | None, sign: str = "") -> str:
        return NOTHING if value is None else f"{value:{sign}.3g}".replace(".", decimal)

    found = []
    for name, one in (figures.get("tests") or {}).items():
        difference, detection = one["difference"], one["detection"]
        limits = [told(difference.get(part), "+") for part in ("low", "high")]
        found.append(
            Row(
                name,
                question(name, language),
                one["risk"],
                told(one["train"]),
                told(one["holdout"]),
                told(difference["mean"], "+"),
                NOTHING if NOTHING in limits else " … ".join(limits),
                told(detection["verbatim"]),
                told(detection["reworded"]),
                Verdict(one["verdict"]),
            )
        )
    return found
