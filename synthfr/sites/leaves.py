"""Parameters one by one: sections under dotted names come apart into values.

Two sides can only agree on what has one name: of ``score: {dp: {budget: 8}}`` beside ``score.dp.
budget: 80`` the one would be read, and the other hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from synthfr.errors import UserError


def leaves(params: Mapping[str, Any]) -> dict[str, Any]:
    """``{"score.dp": {"budget": 8}}`` to ``{"score.dp.budget": 8}``; an empty section is a value.

    Raises:
        UserError: a parameter has two values, or is a section and a value.
    """
    found: dict[str, Any] = {}
    for name, value in _apart("", params):
        if name in found:
            raise _twice()
        found[name] = value
    if within(found, found):
        raise _twice()
    return found


def within(names: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Those of `names` that stand within one of `others`, as ``a.b`` within ``a``."""
    return [
        name
        for name in names
        if any(name[:at] in others for at, sign in enumerate(name) if sign == ".")
    ]


def _apart(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or (prefix and not value):
        yield prefix, value
        return
    for key, inner in value.items():
        yield from _apart(f"{prefix}.{key}" if prefix else str(key), inner)


def _twice() -> UserError:
    return UserError(
        "the bundle has a parameter twice, or as a section and a value at once: do not use it, and "
        "ask its sender."
    )
