"""What one profile changes of another, value by value, each with its reason.

The reasons stand in ``docs/differences.yaml``: a parameter's dotted name, or that of the
section around several, and why it differs. Every difference must have one, and every reason must
be of a difference: `differences` refuses anything else, so that the table cannot grow old.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import profiles
from synthfr.pipeline.nested import flatten
from synthfr.pipeline.parameters import parse

PUBLISHED, OURS = "published", "qwen3-4b"
REASONS = Path("docs/differences.yaml")
_NAMES_THE_PROFILE = "tracking.profile"


@dataclass(frozen=True)
class Difference:
    """Why two profiles differ: parameters (dotted names) under one reason, and their values in
    either profile; None where one of them has no such parameter.
    """

    key: str  # what the reason is given for: the parameter, or the section around several
    reason: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def differences(
    params_path: Path,
    folder: Path,
    reasons_path: Path = REASONS,
    before: str = PUBLISHED,
    after: str = OURS,
) -> list[Difference]:
    """What profile `after` of `folder` changes of profile `before`, both laid over params.yaml, in
    the order of the parameters.

    Raises:
        UserError: names each difference without a reason, and each reason without a difference.
    """
    old, new = (_values(params_path, profiles.path_of(folder, name)) for name in (before, after))
    reasons: Mapping[str, str] = read_yaml(reasons_path)
    grouped: dict[str, list[str]] = {}
    unexplained = []
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) == new.get(name):
            continue
        if (key := _reason_of(name, reasons)) is None:
            unexplained.append(name)
        else:
            grouped.setdefault(key, []).append(name)
    if unexplained:
        raise UserError(
            f"{reasons_path}: {after} differs from {before} in {', '.join(unexplained)}, and no "
            "reason is given: write one for each, or make the values equal."
        )
    if idle := [key for key in reasons if key not in grouped]:
        raise UserError(
            f"{reasons_path}: there is a reason for {', '.join(idle)}, but {before} and {after} "
            "are equal there: take it out."
        )
    return [
        Difference(
            key,
            reasons[key],
            {name: old.get(name) for name in names},
            {name: new.get(name) for name in names},
        )
        for key, names in grouped.items()
    ]


def _values(params_path: Path, profile_path: Path) -> dict[str, Any]:
    """All parameters by dotted name, as the pipeline reads them; the profile's name apart."""
    merged = profiles.merged(params_path, profile_path)
    values = flatten(parse(merged, str(profile_path)).model_dump(mode="json"), ".")
    return {name: value for name, value in values.items() if name != _NAMES_THE_PROFILE}


def _reason_of(name: str, reasons: Mapping[str, str]) -> str | None:
    """The most specific key of `reasons` that is `name`, or a section around it."""
    parts = name.split(".")
    prefixes = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in reasons), None)
