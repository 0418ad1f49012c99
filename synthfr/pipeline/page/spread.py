"""A figure and how sure it is, as text.

Of two values the t interval is mostly its own factor, 12.7 (".123 ± 1.557"): below three values
the values themselves are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan
from typing import Protocol

from synthfr.pipeline.page.numbers import short

Form = Callable[[float], str]
SIGNIFICANT = 0.05  # of a corrected p value, below it a difference is marked


class Figure(Protocol):
    """A mean over seeds with its 95 % limits (None or NaN: unknown), or two values."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def values(self) -> Sequence[float]: ...


def limits(one: Figure) -> tuple[float, float] | None:
    """Of the interval, if there is one."""
    if one.low is None or one.high is None or isnan(one.low) or isnan(one.high):
        return None
    return one.low, one.high


def parts(one: Figure, form: Form = short) -> tuple[str, str]:
    """``(".123", "± .020")``; of two values ``("n = 2: .10, .15", "")``; of one that alone."""
    if (found := limits(one)) is not None:
        return form(one.mean), f"± {form((found[1] - found[0]) / 2)}"
    return _values(one, form), ""


def plus_minus(one: Figure, form: Form = short) -> str:
    """``.123 ± .020``."""
    return " ".join(filter(None, parts(one, form)))


def bracketed(one: Figure, form: Form = short) -> str:
    """``.123 [.103, .143]``."""
    if (found := limits(one)) is not None:
        return f"{form(one.mean)} [{form(found[0])}, {form(found[1])}]"
    return _values(one, form)


def _values(one: Figure, form: Form) -> str:
    if len(one.values) < 2:
        return form(one.mean)
    return f"n = {len(one.values)}: {', '.join(map(form, one.values))}"
