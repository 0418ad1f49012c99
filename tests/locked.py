"""A dvc.lock without DVC: what it would hold had stages just made what lies here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml, write_json
from synthfr.pipeline.dvc_graph import Graph, resolve, value_at
from synthfr.pipeline.hashes import Hashes
from synthfr.pipeline.parameters import load_params

LOCK = Path("dvc.lock")


def run(*stages: str) -> None:
    """As if these stages (none: all) of the current folder's pipeline had run, and no others since:
    dvc.lock keeps what it holds of the others.
    """
    values = load_params().model_dump(mode="json")
    graph = resolve(read_yaml(Path("dvc.yaml")), values)
    entries = read_yaml(LOCK)["stages"] if LOCK.is_file() else {}
    raw = read_yaml(Path("params.yaml"))
    for name in stages or graph.stages:
        stage = graph.stages[name]
        used = {one: value_at(raw, one) for one in stage.params}
        entries[name] = {
            "cmd": stage.cmd[0] if len(stage.cmd) == 1 else list(stage.cmd),
            "deps": _lines(stage.deps, graph),
            "params": {"params.yaml": used} if used else {},
            "outs": _lines(stage.outs, graph),
        }
    write_json(LOCK, {"schema": "2.0", "stages": entries})  # JSON is YAML


def _lines(paths: Collection[str], graph: Graph) -> list[dict[str, Any]]:
    return [{"path": path, "md5": _md5(path, graph)} for path in paths]


def _md5(path: str, graph: Graph) -> str:
    """As here; of what a stage made and is not here, one that hangs on its name."""
    found = Hashes(Path(), Path("unused")).of(path)
    made = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
    return found or (made if graph.makers(path) else "")
