"""``dvc.yaml`` without DVC, which takes a second to start: what each stage reads and makes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from synthfr.pipeline import layout

_EXPRESSION = re.compile(r"\$\{([^}]*)\}")
_MADE = ("outs", "metrics", "plots")
_METRICS = layout.METRICS.as_posix()
_ANSWERS = layout.ANSWERS.as_posix()  # of all steps: who reads them compares what others measured
_CODE = {"stages", "synthfr"}  # folders of the checkout: what lies there anyone may read
_PRIVATE = "PRIVATE."  # how the description of a stage begins that may read private text


@dataclass(frozen=True)
class Stage:
    """One stage with its item filled in: dotted names of parameters, paths as dvc.yaml has them."""

    name: str
    params: tuple[str, ...] = ()
    deps: tuple[str, ...] = ()
    outs: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()  # command lines
    private: bool = False  # may read private text
    sharded: bool = False  # can write a part of its work, to be gathered

    @property
    def kind(self) -> str:
        """``dpo`` of ``dpo@dpo2``."""
        return self.name.partition("@")[0]

    @property
    def measures(self) -> bool:
        """Whether figures can follow from it: not where it shows those of others, as a page, or
        compares them.
        """
        return not any(dep == _ANSWERS or f"{dep}/".startswith(f"{_METRICS}/") for dep in self.deps)

    @property
    def shows_all(self) -> bool:
        """Whether it runs when all is measured."""
        return _METRICS in self.deps


@dataclass(frozen=True)
class Graph:
    """All stages of a ``dvc.yaml``."""

    stages: Mapping[str, Stage]

    @cached_property
    def params(self) -> frozenset[str]:
        """Parameters that figures follow from."""
        return frozenset(name for stage in self._measuring for name in stage.params)

    @cached_property
    def outside(self) -> frozenset[str]:
        """What measuring stages depend on and no stage makes: code, and data from outside."""
        return frozenset(
            dep for stage in self._measuring for dep in stage.deps if not self.makers(dep)
        )

    @cached_property
    def private_data(self) -> frozenset[str]:
        """Data from outside that private stages alone depend on: no public stage may open it."""
        others = {dep for stage in self.stages.values() if not stage.private for dep in stage.deps}
        return frozenset(dep for dep in self.outside - others if not _is_code(dep))

    @property
    def _measuring(self) -> list[Stage]:
        return [stage for stage in self.stages.values() if stage.measures]

    def makers(self, dep: str) -> list[str]:
        """Names of the stages that make a path, something in it, or the folder that it is in."""
        near = {dep, *map(str, PurePosixPath(dep).parents)} - {"."}
        found = [name for one in near for name in self._by_out.get(one, ())]
        return found or list(self._by_folder.get(dep, ()))

    @cached_property
    def _by_out(self) -> dict[str, list[str]]:
        return self._index(lambda out: [out])

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        return self._index(lambda out: list(map(str, PurePosixPath(out).parents)))

    def _index(self, keys: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, stage in self.stages.items():
            for out in stage.outs:
                for key in keys(out):
                    found.setdefault(key, []).append(name)
        return found


def resolve(tree: Any, values: Mapping[str, Any]) -> Graph:
    """The graph of a parsed ``dvc.yaml`` under parameter `values`; what they leave open is left
    out.
    """
    entries = tree.get("stages") if isinstance(tree, Mapping) else None
    found = {}
    for name, entry in (entries or {}).items():
        for stage in _expanded(str(name), entry or {}, values):
            found[stage.name] = stage
    return Graph(found)


def _expanded(name: str, entry: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Stage]:
    if "foreach" not in entry:
        yield _stage(name, entry, values)
        return
    each = entry["foreach"]
    if isinstance(each, str):
        each = _value(each.strip("${} "), values)
    items = each.items() if isinstance(each, Mapping) else [(one, one) for one in each or ()]
    for key, item in items:
        own = {**values, "item": item, **({"key": key} if isinstance(each, Mapping) else {})}
        yield _stage(f"{name}@{key}", entry.get("do") or {}, own)


def _stage(name: str, entry: Mapping[str, Any], values: Mapping[str, Any]) -> Stage:
    def names(*parts: str) -> tuple[str, ...]:
        raw = [one for part in parts for one in entry.get(part) or ()]
        filled = [_filled(one, values) for each in raw for one in _names(each)]
        return tuple(one for one in filled if one is not None)

    lines = entry.get("cmd") or ()
    filled = [_filled(one, values) for one in ([lines] if isinstance(lines, str) else lines)]
    return Stage(
        name,
        names("params"),
        names("deps"),
        names(*_MADE),
        cmd=tuple(one for one in filled if one is not None),
        private=str(entry.get("desc") or "").startswith(_PRIVATE),
        sharded=bool((entry.get("meta") or {}).get("sharded")),
    )


def _is_code(path: str) -> bool:
    parts = [part for part in PurePosixPath(path).parts if part != ".."]
    return bool(parts) and parts[0] in _CODE


def _names(entry: Any) -> list[str]:
    """Of an entry in a list: a name, a name with settings, or a file with its parameters."""
    if not isinstance(entry, Mapping):
        return [str(entry)]
    return [
        str(one)
        for name, inner in entry.items()
        for one in (inner if isinstance(inner, list) else [name])
    ]


def _filled(text: str, values: Mapping[str, Any]) -> str | None:
    """`text` with every ``${name}`` replaced; None if one has no value."""
    open_ = False

    def fill(match: re.Match[str]) -> str:
        nonlocal open_
        value = _value(match[1].strip(), values)
        open_ = open_ or value is None
        return str(value)

    filled = _EXPRESSION.sub(fill, text)
    return None if open_ else filled


def _value(dotted: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for part in re.split(r"[.\[\]]+", dotted.rstrip("]")):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def value_at(values: Any, dotted: str) -> Any:
    """The parameter that a dotted name stands for; None if there is none."""
    return _value(dotted, values) if isinstance(values, Mapping) else None
