"""What every section of ``params.yaml`` is: frozen, without unknown keys; and the ranges that many
values share.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

T = TypeVar("T")

Share = Annotated[float, Field(ge=0, le=1)]
ProperShare = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1, le=10**9)]
# a model of a section may be a folder (and a prompt's template a file), which DVC watches by its
# name in `watch`; where it is none, `watch` names a file that never changes
NOTHING_TO_WATCH = "models/README.md"
# a step's name is part of paths and of stage names
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


def without_doubles(values: list[T]) -> list[T]:
    """The list as it is.

    Raises:
        ValueError: if a value stands in it twice.
    """
    doubled = [value for at, value in enumerate(values) if value in values[:at]]
    if doubled:
        raise ValueError(f"{doubled[0]} is named twice: name each value once")
    return values


class Section(BaseModel):
    """A group of parameters: immutable, without unknown keys, and strict: no text or truth value
    stands for a number, and no number is infinite.

    `renamed`: a parameter's former name -> its name today, inherited by subclasses: a file that
    still has the former one is refused with the new one.
    """

    renamed: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    if new_name := cls._new_name(key):
                        raise ValueError(f"'{key}' is now called '{new_name}'")
                    near = difflib.get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.5)
                    hint = (
                        f"did you mean '{near[0]}'?"
                        if near
                        else f"known are: {', '.join(cls.model_fields)}"
                    )
                    raise ValueError(f"unknown parameter '{key}': {hint}")
        return data

    @classmethod
    def _new_name(cls, key: Any) -> str | None:
        sections = [one for one in cls.__mro__ if issubclass(one, Section)]
        return next((one.renamed[key] for one in sections if key in one.renamed), None)
