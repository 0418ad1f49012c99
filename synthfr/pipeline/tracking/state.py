"""The state of the pipeline that figures follow from; all runs of one state are a family.

A state is
* the value of every parameter that a measuring stage of ``dvc.yaml`` declares, and
* the MD5, as DVC computes it, of everything that such a stage depends on and no stage makes: code,
  and data from outside.
So what reruns nothing (a tracking server, a thread more, an edit of the command line's code) makes
no new state, and the same state repeated is the same family. Stages that only show figures (they
depend on ``metrics``) take no part. The environment is not in it either: another machine may give
other roundings, which is why a family may hold several runs of a stage.

A stage takes the hashes from the files before it. `of_lock` takes those of data from dvc.lock
instead, because a fresh clone has no private data; code and parameters are there in both, and after
a complete ``dvc repro`` both give the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import digest, read_yaml
from synthfr.pipeline.tracking.dvc_graph import Graph, resolve, value_at
from synthfr.pipeline.tracking.hashes import Hashes

DVC_YAML = Path("dvc.yaml")
_DATA = {"data", "models"}  # folders of what a clone may lack


@dataclass(frozen=True)
class State:
    """`key` names the state; `params` are its parameters by dotted name, sections included."""

    key: str
    params: Mapping[str, Any]
    graph: Graph

    @property
    def tags(self) -> dict[str, str]:
        return {"state": self.key, "params_digest": digest(self.params)}


def of_files(values: Mapping[str, Any], store: Path) -> State | None:
    """The state of the current folder under parameter `values`; None where there is no pipeline.

    `store` is MLflow's folder, in which hashes of large files are kept.
    """
    if not DVC_YAML.is_file():
        return None
    graph = resolve(read_yaml(DVC_YAML), values)
    hashes = _hashes(store)
    found = _state(graph, values, {path: hashes.of(path) for path in graph.outside})
    hashes.keep()
    return found


def data_md5(folder: Path, store: Path) -> str | None:
    """MD5 of a data set's folder, as dvc.lock will have it; None if it is missing."""
    hashes = _hashes(store)
    found = hashes.of(folder.as_posix())
    hashes.keep()
    return found


class Locked:
    """What dvc.lock says was run, beside what stands here."""

    def __init__(self, values: Mapping[str, Any], lock: Path, store: Path) -> None:
        """`values` as the stages had them, defaults filled in. Without a lock nothing was run."""
        found = read_yaml(lock) if lock.is_file() else {}
        entries: dict[str, Any] = found.get("stages") or {}
        self._raw = read_yaml("params.yaml")
        graph = resolve(read_yaml(DVC_YAML) if DVC_YAML.is_file() else {}, values)
        # what no longer stands in dvc.yaml stays in the lock
        self.entries = {name: entry for name, entry in entries.items() if name in graph.stages}
        hashes = _hashes(store)
        self._here = {path: hashes.of(path) for path in graph.outside if not _is_data(path)}
        hashes.keep()
        locked = self._md5s("deps")
        data = {path: locked.get(path) or hashes.of(path) for path in graph.outside - {*self._here}}
        self.state = _state(graph, values, {**self._here, **data})
        self._made = self._md5s("outs")
        self._known: dict[str, bool] = {}

    def _md5s(self, part: str) -> dict[str, str]:
        return {
            one["path"]: one.get("md5", "")
            for entry in self.entries.values()
            for one in entry.get(part) or ()
        }

    def is_current(self, name: str) -> bool:
        """Whether the stage ran in the present state, and so did all that it descends from: the
        parameters and the code that it used stand here, and its inputs are what their makers made.
        A stage that dvc.lock does not know may have been run by hand: nothing speaks against it.
        """
        if name not in self._known:
            self._known[name] = True  # a graph has no loops; DVC would have refused one
            entry = self.entries.get(name)
            self._known[name] = entry is None or self._is_as_here(entry)
        return self._known[name]

    def md5(self, out: Path) -> str | None:
        """Of what a stage made."""
        return self._made.get(out.as_posix())

    @property
    def is_up_to_date(self) -> bool:
        """Whether nothing that was measured comes from another state."""
        stages = self.state.graph.stages.values()
        return all(self.is_current(stage.name) for stage in stages if not stage.is_view)

    def _is_as_here(self, entry: Mapping[str, Any]) -> bool:
        used = (entry.get("params") or {}).get("params.yaml") or {}
        if any(value_at(self._raw, key) != value for key, value in used.items()):
            return False
        for dep in entry.get("deps") or ():
            path, md5 = dep["path"], dep.get("md5")
            if self._here.get(path) not in (None, md5):
                return False
            if path in self._made and self._made[path] != md5:
                return False
            if not all(map(self.is_current, self.state.graph.makers(path))):
                return False
        return True


def _state(graph: Graph, values: Mapping[str, Any], md5s: Mapping[str, str | None]) -> State:
    params = {name: value_at(values, name) for name in graph.params}
    return State(digest([params, md5s])[:16], params, graph)


def _hashes(store: Path) -> Hashes:
    return Hashes(Path(), store / ".hashes.json")


def _is_data(path: str) -> bool:
    parts = [part for part in Path(path).parts if part != ".."]
    return bool(parts) and parts[0] in _DATA
