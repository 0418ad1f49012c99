"""What the demo's grammar knows of each ICD-10 category, read from ``knowledge.yaml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

Style = Literal["public", "hospital"]
Kind = Literal["exam", "lab", "care"]
KINDS: tuple[Kind, ...] = ("exam", "lab", "care")
STYLES: tuple[Style, ...] = ("public", "hospital")


@dataclass(frozen=True)
class Category:
    """One ICD-10 category: its names, and the phrases that imply it in two wordings."""

    code: str
    terms: tuple[str, ...]
    jargon: tuple[str, ...]
    reason: tuple[str, ...]
    phrases: Mapping[Kind, Mapping[Style, tuple[str, ...]]]
    companions: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the category, its label first."""
        return self.terms + self.jargon

    def facts(self, style: Style) -> tuple[str, ...]:
        """Findings, results and treatments of the category in one wording."""
        return tuple(phrase for kind in KINDS for phrase in self.phrases[kind][style])


@dataclass(frozen=True, eq=False)  # there is one: compared, and cached by, what it is
class Knowledge:
    """All categories, the most frequent first."""

    categories: Mapping[str, Category]

    def __iter__(self) -> Iterator[Category]:
        return iter(self.categories.values())

    def __getitem__(self, code: str) -> Category:
        return self.categories[code]

    @property
    def codes(self) -> tuple[str, ...]:
        """Category codes, the most frequent first."""
        return tuple(self.categories)


@cache
def knowledge() -> Knowledge:
    """The shipped knowledge; companions are made symmetric."""
    raw = yaml.safe_load(files(__package__).joinpath("knowledge.yaml").read_text("utf-8"))
    companions: dict[str, set[str]] = {code: set(entry["with"]) for code, entry in raw.items()}
    for code, others in list(companions.items()):
        for other in list(others):
            companions[other].add(code)
    return Knowledge(
        {
            code: Category(
                code=code,
                terms=tuple(entry["terms"]),
                jargon=tuple(entry["jargon"]),
                reason=tuple(entry["reason"]),
                phrases={
                    kind: {style: tuple(entry[kind][style]) for style in STYLES} for kind in KINDS
                },
                companions=frozenset(companions[code]),
            )
            for code, entry in raw.items()
        }
    )
