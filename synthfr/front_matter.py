"""The YAML head of a hub card (README.md): written, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FENCE = "---"
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")  # the hub's steps


def write(facts: Mapping[str, Any]) -> str:
    """`facts` between two fences, keys in their order.

    Strings that YAML 1.1 reads as something else are quoted (`no` is Norwegian, not false).
    """
    import yaml

    text = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True, width=1000)
    return f"{_FENCE}\n{text}{_FENCE}\n"


def split(card: str) -> tuple[dict[str, Any], str]:
    """Facts and body of a card. Where the head is missing, not closed or no YAML mapping, there
    are no facts, and the body is the whole text.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    lines = card.splitlines(keepends=True)
    ends = [row for row, line in enumerate(lines) if line.strip() == _FENCE]
    if len(ends) < 2 or ends[0] != 0:
        return {}, card
    try:
        facts = YAML(typ="safe", pure=True).load("".join(lines[1 : ends[1]]))
    except YAMLError:
        return {}, card
    return (facts, "".join(lines[ends[1] + 1 :])) if isinstance(facts, dict) else ({}, card)


def read(path: Path) -> dict[str, Any]:
    """Facts of a card on disk; none where there is no such file."""
    if not path.is_file():
        return {}
    return split(path.read_text("utf-8", errors="replace"))[0]


def size_category(n: int) -> str:
    """The hub's name for a number of rows: ``1K<n<10K`` for 1 000 to 9 999."""
    if n < 1000:
        return f"n<{_SIZES[0]}"
    step = min(len(str(n)) - 4, len(_SIZES) - 1)
    if step == len(_SIZES) - 1:
        return f"n>{_SIZES[-1]}"
    return f"{_SIZES[step]}<n<{_SIZES[step + 1]}"
