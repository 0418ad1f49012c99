"""What of all that lies here belongs to the present state of the pipeline, and what is older.

A run that stopped half way leaves the figures of another state beside its own. `Standing` compares
what dvc.lock says of every stage (parameters, command, MD5 of what it read and made) with the
parameters and files that are here now, without DVC: under a second for the shipped graph.

Data that no stage makes count as they are here, or, where they are not (a clone), as dvc.lock has
them. What stages made is compared between dvc.lock's own lines; a file itself is only opened when
it is about to be shown.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.pipeline import layout
from synthfr.pipeline.dvc_graph import Stage, resolve, value_at
from synthfr.pipeline.hashes import Hashes

GRAPH, LOCK, PARAMS = Path("dvc.yaml"), Path("dvc.lock"), Path("params.yaml")
NOT_RUN, NOT_HERE = "not yet run", "not here"
_NOT_STALE = {NOT_RUN: "Not yet run", NOT_HERE: "Measured, but not here (`dvc pull` fetches it)"}
_WAIT_S = 0.5  # DVC writes its lock in place: another job may be at it


class Standing:
    """Of the current recipe, under parameter `values` with their defaults filled in.

    `store` is MLflow's folder, in which hashes of large files are kept. Unless `opens_private`,
    data that private stages alone depend on are not opened: they count as dvc.lock has them.
    """

    def __init__(
        self, values: Mapping[str, Any], store: Path, *, opens_private: bool = False
    ) -> None:
        found = read_yaml(LOCK) if LOCK.is_file() else {}
        entries: dict[str, Any] = (found or {}).get("stages") or {}
        self.graph = resolve(read_yaml(GRAPH) if GRAPH.is_file() else {}, values)
        # what no longer stands in dvc.yaml stays in the lock
        self.entries = {name: one for name, one in entries.items() if name in self.graph.stages}
        self._params = read_yaml(PARAMS)
        self._hashes = kept_hashes(store)
        self._opens_private = opens_private
        self._made = _md5s(self.entries.values(), "outs")
        self._faults: dict[str, str | None] = {}

    @cached_property
    def outside(self) -> dict[str, str | None]:
        """MD5 of what measuring stages depend on and no stage makes: as here, else as locked."""
        locked = _md5s(self.entries.values(), "deps")
        found = {path: self._here(path) or locked.get(path) or None for path in self.graph.outside}
        self._hashes.keep()
        return found

    def fault(self, name: str) -> str | None:
        """Why a stage's last run is not one of the present state; None if it is: parameters,
        command and code are those that stand here, and its inputs are what their makers made, in
        the present state too.
        """
        if name not in self._faults:
            self._faults[name] = None  # a graph has no loops; DVC would have refused one
            entry, stage = self.entries.get(name), self.graph.stages[name]
            self._faults[name] = NOT_RUN if entry is None else self._fault(stage, entry)
        return self._faults[name]

    def fault_of(self, path: Path) -> str | None:
        """Why what a stage made is not to be shown as the present state's; None if it is."""
        makers = self.graph.makers(path.as_posix())
        if not makers:
            return "made by no stage of dvc.yaml"
        fault = next((found for name in makers if (found := self.fault(name))), None)
        if not path.exists():
            return NOT_HERE if fault is None else NOT_RUN
        if fault is not None:
            return "not recorded in dvc.lock" if fault == NOT_RUN else fault
        near = [path, *path.parents]
        outs = [one for one in map(Path.as_posix, near) if one in self._made]
        if any(self._hashes.of(one) != self._made[one] for one in outs):
            return "changed since its stage ended"
        return None

    def is_shown(self, path: Path) -> bool:
        """Whether a file is here and belongs to the present state."""
        return self.fault_of(path) is None

    def is_current(self, name: str) -> bool:
        """Whether the stage ran, and in the present state."""
        return name in self.graph.stages and self.fault(name) is None

    @property
    def is_up_to_date(self) -> bool:
        """Whether nothing that was measured comes from another state."""
        measuring = (stage for stage in self.graph.stages.values() if stage.measures)
        return all(self.fault(stage.name) in (None, NOT_RUN) for stage in measuring)

    def md5(self, out: Path) -> str | None:
        """Of what a stage made, as locked."""
        return self._made.get(out.as_posix())

    def left_out(self, kinds: Collection[str] = ()) -> dict[str, list[str]]:
        """Why (a reason) the figures of which stages are not shown; `kinds`: of these only, such as
        ``classify``.
        """
        found: dict[str, list[str]] = {}
        for name, stage in self.graph.stages.items():
            if stage.measures and (not kinds or stage.kind in kinds):
                figures = [one for one in stage.outs if Path(one).is_relative_to(layout.METRICS)]
                faults = (self.fault_of(Path(one)) for one in figures)
                if (fault := next(filter(None, faults), None)) is not None:
                    found.setdefault(fault, []).append(name)
        return found

    def _here(self, path: str) -> str | None:
        """MD5 of what no stage makes; None where it is not here, or not ours to open."""
        if path not in self.graph.private_data:
            return self._hashes.of(path)
        if not self._opens_private:
            return None
        try:
            return self._hashes.of(path)
        except PermissionError:  # this account has no business there
            return None

    def _fault(self, stage: Stage, entry: Mapping[str, Any]) -> str | None:
        command = entry.get("cmd") or ()
        if stage.cmd != tuple([command] if isinstance(command, str) else command):
            return _before("its command")
        if changed := self._changed_parameter(stage, entry.get("params") or {}):
            return _before(changed)
        locked = _md5s([entry], "deps")
        if locked.keys() != set(stage.deps):
            return _before("its dependencies in dvc.yaml")
        return next(filter(None, (self._fault_of_dep(*one) for one in locked.items())), None)

    def _changed_parameter(self, stage: Stage, locked: Mapping[str, Any]) -> str | None:
        if {name for used in locked.values() for name in used} != set(stage.params):
            return "its parameters in dvc.yaml"
        for name, value in (locked.get(PARAMS.name) or {}).items():
            if (now := value_at(self._params, name)) != value:
                return _difference(name, value, now)
        return None

    def _fault_of_dep(self, path: str, md5: str) -> str | None:
        makers = self.graph.makers(path)
        if not makers:
            now = self.outside[path] if path in self.outside else self._here(path)
            return None if now in (None, md5) else _before(path)
        for name in makers:
            if (fault := self.fault(name)) is not None:
                return f"made before {name} was run" if fault == NOT_RUN else fault
        # a folder of several stages' outs has no line of its own
        now = self._made[path] if path in self._made else self._folder(path)
        return None if now in (None, md5) else f"made before {makers[0]} was run anew"

    def _folder(self, path: str) -> str | None:
        inside = any(out.startswith(f"{path}/") for out in self._made)
        return self._hashes.of(path) if inside else None


def told(left_out: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences for a reader of what `Standing.left_out` found."""
    return [
        f"{_NOT_STALE.get(reason) or f'Stale ({reason}), left out'}: {_named(names)}."
        for reason, names in left_out.items()
    ]


def _named(stages: Sequence[str]) -> str:
    """``classify dpo1, dpo2; reference``."""
    items: dict[str, list[str]] = {}
    for name in stages:
        kind, _, item = name.partition("@")
        items.setdefault(kind, []).extend([item] if item else [])
    return "; ".join(f"{kind} {', '.join(found)}".strip() for kind, found in items.items())


def kept_hashes(store: Path) -> Hashes:
    """Of the current folder; those of large files are kept in `store`."""
    return Hashes(Path(), store / ".hashes.json")


def locked_md5s(paths: Collection[str]) -> dict[str, str | None]:
    """MD5 of those dependencies that dvc.lock knows, read as fast as can be: stages wait for it."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    found: dict[str, str] = {}
    for wait_s in (0.0, _WAIT_S):
        time.sleep(wait_s)
        if not LOCK.is_file():
            break
        try:  # libyaml's YAML 1.1 reads hashes as YAML 1.2 does, five times as fast
            tree = YAML(typ="safe").load(LOCK.read_text(encoding="utf-8")) or {}
        except YAMLError:
            continue
        found = _md5s((tree.get("stages") or {}).values(), "deps")
        if found.keys() >= set(paths):
            break
    return {path: found[path] or None for path in paths if path in found}


def _md5s(entries: Iterable[Mapping[str, Any]], part: str) -> dict[str, str]:
    return {one["path"]: one.get("md5", "") for entry in entries for one in entry.get(part) or ()}


def _before(what: str) -> str:
    return f"made before {what} changed"


def _difference(name: str, before: Any, now: Any) -> str:
    """The parameter below `name` in which two values first differ."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*now, *before]):
            if (key in before, before.get(key)) != (key in now, now.get(key)):
                return _difference(f"{name}.{key}", before.get(key), now.get(key))
    return name
