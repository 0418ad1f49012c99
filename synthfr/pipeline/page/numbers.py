"""Numbers as papers print them."""

from __future__ import annotations

import re


def short(value: float, digits: int = 3, *, sign: bool = False) -> str:
    """A share: ``.537``, as a difference ``+.537``."""
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return re.sub(r"^([+-]?)0\.", r"\1.", text)


def percent(value: float | None) -> str:
    """A relative change with its sign, or a dash."""
    return "–" if value is None else f"{value:+.1%}".replace("%", " %")
