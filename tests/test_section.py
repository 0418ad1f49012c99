"""What all parameter sections share: former names of parameters are refused with the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from pydantic import ValidationError

from synthfr.pipeline import parameters
from synthfr.section import Section


class Base(Section):
    renamed: ClassVar[dict[str, str]] = {"warmup_share": "warmup_ratio"}

    warmup_ratio: float = 0.1


class Derived(Base):
    renamed: ClassVar[dict[str, str]] = {"length": "max_length"}

    max_length: int = 8


@pytest.mark.parametrize(
    ("key", "new_name"), [("warmup_share", "warmup_ratio"), ("length", "max_length")]
)
def test_a_former_name_is_refused_with_the_new_one(key: str, new_name: str) -> None:
    with pytest.raises(ValidationError, match=f"'{key}' is now called '{new_name}'"):
        Derived.model_validate({key: 1})


def test_other_keys_are_as_before() -> None:
    with pytest.raises(ValidationError, match="unknown parameter 'warmup': did you mean"):
        Derived.model_validate({"warmup": 0.2})
    assert Derived.model_validate({"warmup_ratio": 0.2}).warmup_ratio == 0.2


def _sections(parent: type[Section]) -> Iterator[type[Section]]:
    for section in parent.__subclasses__():
        yield section
        yield from _sections(section)


def _wrong_renames(section: type[Section]) -> list[str]:
    """Former names that still are parameters, and new names that are none."""
    return [
        f"{section.__name__}: {old} -> {new}"
        for old, new in section.renamed.items()
        if _knows(section, old) or not _knows(section, new)
    ]


def _knows(section: type[Section], name: str) -> bool:
    """Whether the section has the parameter; a name with a dot is one of a section inside it."""
    head, _, rest = name.partition(".")
    if head not in section.model_fields or not rest:
        return head in section.model_fields
    inner = section.model_fields[head].annotation
    return isinstance(inner, type) and issubclass(inner, Section) and _knows(inner, rest)


def test_every_new_name_is_a_parameter() -> None:
    shipped = [one for one in _sections(Section) if one.__module__.startswith("synthfr.")]
    assert parameters.Params in shipped
    assert [wrong for one in shipped for wrong in _wrong_renames(one)] == []

    class Forged(Base):  # the control
        renamed: ClassVar[dict[str, str]] = {"warmup_ratio": "warmup", "old": "new"}

    assert len(_wrong_renames(Forged)) == 2

    class Nested(Base):  # and one of a section inside
        inner: Forged = Forged()
        renamed: ClassVar[dict[str, str]] = {"before": "inner.warmup_ratio", "old": "inner.new"}

    assert len(_wrong_renames(Nested)) == 1
