"""What a card says about privacy: the verdict, every test with what it found and could have found,
and who answers for a failure; or that there was no audit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthfr.privacy import gate
from synthfr.privacy.gate import Acceptance
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.rows import NOTHING, Row, rows

_ABOUT = {
    "dataset": "this data set",
    "adapter": "the data set that this policy wrote",
    "merged": "the data set that this policy wrote",
}
_VERDICTS = {
    Verdict.PASS: "**Pass**: no test found a leak, and each would have found one as small as the "
    "gate asks for.",
    Verdict.CANNOT_TELL: "**Cannot tell**: no test found a leak, but not every one would have "
    "found one as small as the gate asks for.",
    Verdict.FAIL: "**Fail**: a test found that private reports are repeated or betrayed.",
}
_HEAD = (
    "| test | train | holdout | difference [95 %] | smallest leak found | verdict |\n"
    "|---|---|---|---|---|---|"
)


def section(figures: Mapping[str, Any] | None, accepted: Acceptance | None, kind: str) -> str:
    """A card's section about a ``dataset``, ``adapter`` or ``merged`` model.

    `figures` are those of the step's privacy audit (metrics/privacy); None: no audit of it.
    `accepted`: who let it out in spite of a failure.
    """
    about = _ABOUT[kind]
    if figures is None:
        return (
            f"## Privacy\n\nNo privacy audit: nobody has measured how much of private reports "
            f"{about} repeats.\n"
        )
    parts = [
        f"## Privacy\n\nMeasured on {about}, against the private reports that the training "
        "used (`train`) and equally many that it never saw (`holdout`). Overlap with both is "
        "common wording; more with `train` than with `holdout` (`gap`) is what only copying "
        "explains."
    ]
    if (found := gate.verdict(figures)) is not None:
        parts.append(_VERDICTS[found])
        if found is Verdict.FAIL and accepted is not None:
            names = ", ".join(f"`{name}`" for name in gate.failed(figures))
            parts.append(
                f"Let out in spite of it ({names}). {accepted.name} answers for that: "
                f"{accepted.reason}"
            )
    if tests := rows(figures):
        parts.append("\n".join([_HEAD, *map(_line, tests)]))
        parts.append("\n".join(f"* `{one.name}`: {one.question.question}" for one in tests))
        parts.append(
            "Smallest leak found: of how many private reports, copied into the set word for word / "
            "reworded, the test finds with the power asked for (–: not even the largest tried, or "
            "not tried because the test had found a leak)."
        )
    left = {key: value for key, value in figures.items() if key not in ("tests", "verdict")}
    if others := "\n".join(f"| {name} | {value:.6g} |" for name, value in _leaves(left)):
        parts.append(f"| figure | value |\n|---|---|\n{others}")
    return "\n\n".join(parts) + "\n"


def _line(row: Row) -> str:
    told = row.difference + ("" if row.interval == NOTHING else f" [{row.interval}]")
    cells = [f"`{row.name}`", row.used, row.unused, told, f"{row.verbatim} / {row.reworded}"]
    return f"| {' | '.join([*cells, row.verdict.words])} |"


def _leaves(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Dotted names and numbers."""
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        elif isinstance(value, int | float):
            yield f"{above}{key}", value
