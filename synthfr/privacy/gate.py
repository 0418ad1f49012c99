"""The gate: what the verdict of an audit lets out, and who answers for letting out more.

Works on the figures of a metrics file (see `verdicts.as_dict`), of a step or of a round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthfr.errors import UserError
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.questions import question

OVERRIDE = "--accept-privacy-failure"


@dataclass(frozen=True)
class Acceptance:
    """Who lets a failed data set out, and why: it is written into the card."""

    name: str
    reason: str

    @classmethod
    def read(cls, text: str) -> Acceptance:
        """From ``NAME: REASON``; UserError where one of them is missing."""
        name, colon, reason = (part.strip() for part in text.partition(":"))
        if not (name and colon and reason) or "\n" in text:
            raise UserError(
                f"{OVERRIDE}: write who answers for it and why, in one line, such as "
                '"Dr A. Martin, DPO: the passage is a public form".'
            )
        return cls(name, reason)


def verdict(figures: Mapping[str, Any] | None) -> Verdict | None:
    """Of an audit's figures; None where there is none, or where they have no verdict."""
    found = (figures or {}).get("verdict")
    return Verdict(found) if found in set(Verdict) else None


def failed(figures: Mapping[str, Any]) -> list[str]:
    """Names of the tests that failed."""
    tests = figures.get("tests") or {}
    return [name for name, one in tests.items() if one.get("verdict") == Verdict.FAIL]


def refusal(what: str, figures: Mapping[str, Any]) -> str | None:
    """Why `what` does not leave, and the remedies: one sentence each; None: it may."""
    if verdict(figures) is not Verdict.FAIL:
        return None
    names = failed(figures)
    remedies = list(dict.fromkeys(question(name, "en").remedy for name in names))
    told = " ".join(filter(None, remedies))
    return f"The privacy audit of {what} failed ({', '.join(names)}). {told}".strip()


def warning(what: str, figures: Mapping[str, Any]) -> str | None:
    """What to know before `what` leaves; None: nothing."""
    if verdict(figures) is not Verdict.CANNOT_TELL:
        return None
    tests = figures.get("tests") or {}
    blind = [name for name, one in tests.items() if one.get("verdict") == Verdict.CANNOT_TELL]
    if not blind:
        return (
            f"The privacy audit cannot tell whether {what} leaks: there are too few private "
            "reports for any test."
        )
    return (
        f"The privacy audit cannot tell whether {what} leaks ({', '.join(blind)}): a leak as small "
        "as privacy.gate names would go unseen."
    )
