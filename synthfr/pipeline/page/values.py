"""Numbers out of nested figures, and small tables of them; what is not there is a dash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.pipeline.page import spread, text_tables
from synthfr.pipeline.page.results import Estimate


@dataclass(frozen=True)
class Table:
    """A small table: a title and cells for every row, under column names."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def filled(rows: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, Sequence[str]]]:
    """Those rows in which anything was measured."""
    return [(title, cells) for title, cells in rows if set(cells) != {text_tables.NOTHING}]


def with_limits(tree: Mapping[str, Any], path: str, digits: int) -> str:
    """A figure, with half its interval where there is one."""
    estimate = Estimate.read(below(tree, path))
    if estimate is None:
        return figure(at(tree, path), digits)
    return spread.plus_minus(estimate, lambda value: figure(value, digits))


def real(trees: Sequence[Mapping[str, Any]], feature: str) -> float | None:
    """What the first step that has it says of real reports."""
    return next(
        (value for tree in trees if (value := at(tree, f"{feature}/real")) is not None), None
    )


def at(tree: Any, path: str) -> float | None:
    """The number at a path, ``"gap/containment"``."""
    found = below(tree, path)
    return found if isinstance(found, int | float) else None


def below(tree: Any, path: str) -> Any:
    """Whatever is at a path."""
    for part in path.split("/"):
        tree = tree.get(part) if isinstance(tree, Mapping) else None
    return tree


def figure(value: float | None, digits: int) -> str:
    """With so many digits after the point."""
    return (
        text_tables.NOTHING if value is None else f"{round(value, digits) + 0.0:,.{digits}f}"
    )  # no -0
