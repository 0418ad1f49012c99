"""The state of the pipeline that figures follow from; all runs of one state are a family.

A state is
* the value of every parameter that a measuring stage of ``dvc.yaml`` declares, and
* the MD5, as DVC computes it, of everything that such a stage depends on and no stage makes: code,
  and data from outside.
So what reruns nothing (a tracking server, a thread more, an edit of the command line's code) makes
no new state, and the same state repeated is the same family. Stages that only show figures (they
depend on ``metrics``) take no part. The environment is not in it either: another machine may give
other roundings, which is why a family may hold several runs of a stage.

A stage takes the hashes from the files before it; those of data that private stages alone depend on
a public stage takes from dvc.lock, because it must not open them, and may run under an account that
cannot. `of_standing`, for the tools around the stages, takes from dvc.lock what is not here (a
fresh clone has no private data). After a complete ``dvc repro`` all give the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.disk import digest, read_yaml
from synthfr.pipeline.dvc_graph import Graph, resolve, value_at
from synthfr.pipeline.standing import GRAPH, Standing, kept_hashes, locked_md5s


@dataclass(frozen=True)
class State:
    """`key` names the state; `params` are its parameters by dotted name, sections included."""

    key: str
    params: Mapping[str, Any]
    graph: Graph

    @property
    def tags(self) -> dict[str, str]:
        return {"state": self.key, "params_digest": digest(self.params)}


def of_files(values: Mapping[str, Any], store: Path, *, private: bool) -> State | None:
    """The state of the current folder under parameter `values`, as a stage of the `private` side or
    of the public one may see it. None where there is no pipeline, and for a public stage where
    dvc.lock does not know the private data: no private stage has read them yet.

    `store` is MLflow's folder, in which hashes of large files are kept.
    """
    if not GRAPH.is_file():
        return None
    graph = resolve(read_yaml(GRAPH), values)
    closed = frozenset() if private else graph.private_data
    locked = locked_md5s(closed) if closed else {}
    if closed - locked.keys():
        return None
    hashes = kept_hashes(store)
    md5s = {path: locked[path] if path in closed else hashes.of(path) for path in graph.outside}
    hashes.keep()
    return _state(graph, values, md5s)


def of_standing(values: Mapping[str, Any], standing: Standing) -> State:
    """The state that dvc.lock and the present files tell together."""
    return _state(standing.graph, values, standing.outside)


def data_md5(folder: Path, store: Path) -> str | None:
    """MD5 of a data set's folder, as dvc.lock will have it; None if it is missing."""
    hashes = kept_hashes(store)
    found = hashes.of(folder.as_posix())
    hashes.keep()
    return found


def _state(graph: Graph, values: Mapping[str, Any], md5s: Mapping[str, str | None]) -> State:
    params = {name: value_at(values, name) for name in graph.params}
    return State(digest([params, md5s])[:16], params, graph)
