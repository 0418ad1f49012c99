"""What a card says about privacy: the audit's figures, or that there was none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_ABOUT = {
    "dataset": "this data set",
    "adapter": "the data set that this policy wrote",
    "merged": "the data set that this policy wrote",
}


def section(figures: Mapping[str, Any] | None, kind: str) -> str:
    """A card's section about a ``dataset``, ``adapter`` or ``merged`` model.

    `figures` are those of the step's privacy audit (metrics/privacy); None: no audit of it.
    """
    about = _ABOUT[kind]
    if figures is None:
        return (
            f"## Privacy\n\nNo privacy audit: nobody has measured how much of private reports "
            f"{about} repeats.\n"
        )
    rows = "\n".join(f"| {name} | {value:.6g} |" for name, value in _leaves(figures))
    return (
        f"## Privacy\n\nMeasured on {about}, against the private reports that the training "
        "used (`train`) and equally many that it never saw (`holdout`). Overlap with both is "
        "common wording; more with `train` than with `holdout` (`gap`) is what only copying "
        "explains.\n\n"
        f"| figure | value |\n|---|---|\n{rows}\n"
    )


def _leaves(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, float]]:
    """Dotted names and numbers."""
    for key, value in figures.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        elif isinstance(value, int | float):
            yield f"{above}{key}", value
