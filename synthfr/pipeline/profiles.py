"""Profiles: overlays that turn the embedded default of ``params.yaml`` into another scale.

A profile names only what differs. Applying it edits ``params.yaml`` in place, comments kept, so
that ``git diff`` shows what changed and DVC sees one parameter file.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml, write_text
from synthfr.errors import UserError
from synthfr.pipeline.parameters import parse

EMBEDDED = "embedded"  # `tracking.profile` of params.yaml as it is shipped


@dataclass(frozen=True)
class Change:
    """One parameter that a profile sets: dotted name, value now, value it wants."""

    name: str
    now: Any
    wanted: Any


class Whole(dict[str, Any]):
    """A mapping in an overlay that takes the place of the one there, instead of joining it."""


def names(folder: Path) -> list[str]:
    """Profiles in `folder`, by name."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def path_of(folder: Path, name: str) -> Path:
    """The file of profile `name`; an unknown name is a UserError."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = names(folder)
        choice = f"choose one of {', '.join(known)}" if known else "this recipe has none"
        raise UserError(f"There is no profile '{name}': {choice}.")
    return path


def header(path: Path) -> list[str]:
    """The comment that a profile opens with: what it assumes, how to start, how to override."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return lines


def changes(params_path: Path, profile_path: Path) -> list[Change]:
    """What applying a profile would change."""
    return list(_changes(read_yaml(params_path), read_yaml(profile_path) or {}))


def merged(params_path: Path, profile_path: Path) -> dict[str, Any]:
    """The parameters with the profile laid over them, as plain objects; not yet checked."""
    params: dict[str, Any] = read_yaml(params_path)
    overlay_on(params, read_yaml(profile_path) or {})
    return params


def apply(params_path: Path, profile_path: Path) -> list[Change]:
    """Lay a profile over ``params.yaml`` in place; nothing is written unless the result is valid.

    UserError when another profile was applied already: what it set would stay behind unseen.
    """
    name = profile_path.stem
    applied = read_yaml(params_path).get("tracking", {}).get("profile", EMBEDDED)
    if applied not in (EMBEDDED, name):
        raise UserError(
            f"{params_path} already holds profile '{applied}', whose other values would stay: "
            f"take it off first (git restore {params_path})."
        )
    made = [*changes(params_path, profile_path)]
    if applied != name:
        made.append(Change("tracking.profile", applied, name))
    result = merged(params_path, profile_path)
    result["tracking"]["profile"] = name
    parse(result, f"{params_path} with {profile_path}")

    # read as it is written: numbers and lists keep their style
    overlay = round_trip().load(profile_path.read_text(encoding="utf-8")) or {}
    write(params_path, {**overlay, "tracking": {**overlay.get("tracking", {}), "profile": name}})
    return made


def lay(params_path: Path, overlay: Mapping[str, Any]) -> None:
    """Lay values over ``params.yaml`` in place; nothing is written unless the result is valid."""
    params = read_yaml(params_path)
    overlay_on(params, overlay)
    parse(params, str(params_path))
    write(params_path, overlay)


def write(path: Path, overlay: Mapping[str, Any]) -> None:
    """Lay values over a YAML file in place, its comments, order and style kept."""
    yaml = round_trip()
    document = yaml.load(path.read_text(encoding="utf-8"))
    overlay_on(document, overlay)
    text = io.StringIO()
    yaml.dump(document, text)
    write_text(path, text.getvalue())


def round_trip() -> Any:
    """Reads and writes YAML with its comments, order and style kept."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # never re-wrap a line
    yaml.representer.add_representer(type(None), _null)
    return yaml


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Values under dotted names as an overlay: ``sft.epochs: 1`` to ``sft: {epochs: 1}``."""
    overlay: dict[str, Any] = {}
    for name, value in settings.items():
        *path, last = name.split(".")
        place = overlay
        for part in path:
            place = place.setdefault(part, {})
        place[last] = copy.deepcopy(value)  # a later name may be set within it
    return overlay


def _null(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")  # not an empty value


def overlay_on(params: MutableMapping[str, Any], overlay: Mapping[str, Any]) -> None:
    """Mappings are merged, everything else (lists too, and what is `Whole`) is replaced."""
    for key, value in overlay.items():
        if isinstance(value, Whole) or type(value) is list:  # another kind of list has its style
            params[key] = _in_one_line(value)
        elif isinstance(value, Mapping) and isinstance(params.get(key), MutableMapping):
            overlay_on(params[key], value)
        else:
            params[key] = value


def _in_one_line(values: Mapping[str, Any] | list[Any]) -> Any:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    made = CommentedMap(values) if isinstance(values, Mapping) else CommentedSeq(values)
    made.fa.set_flow_style()
    return made


def _changes(params: Any, overlay: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    for key, value in overlay.items():
        now = params.get(key) if isinstance(params, Mapping) else None
        if isinstance(value, Mapping):
            yield from _changes(now, value, f"{prefix}{key}.")
        elif now != value:
            yield Change(f"{prefix}{key}", now, value)
