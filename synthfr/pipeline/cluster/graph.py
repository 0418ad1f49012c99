"""What DVC would run: the stages up to a target that are not up to date, and all below them."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from synthfr.errors import UserError

Graph = Mapping[str, tuple[str, ...]]  # a stage, and the stages that it needs, in pipeline order

# SQLite's words, and the operating system's
_FULL = ["disk I/O error", "database or disk is full"]
_FULL += [os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
_NODE = re.compile(r'^"([^"]+)";')
_EDGE = re.compile(r'^"([^"]+)" -> "([^"]+)";')


@dataclass(frozen=True)
class Plan:
    """Stages to run, each after those that it needs; `needs` holds only stages of the plan."""

    stages: tuple[str, ...]
    needs: Graph


def plan(target: str) -> Plan:
    """Ask DVC. Hashes decide, not times. DVC's own complaint, such as a cycle, is a UserError."""
    graph = parse_dot(_dvc("dag", "--dot", target))
    status = _dvc("status", "--json", "--with-deps", target)
    # warnings may stand before the JSON
    told = json.loads(status[status.index("{") :])
    return stale(graph, told)


def parse_dot(text: str) -> Graph:
    """The output of ``dvc dag --dot``, in topological order."""
    needs: dict[str, list[str]] = {}
    for line in text.splitlines():
        if edge := _EDGE.match(line.strip()):
            needs.setdefault(edge[1], [])
            needs.setdefault(edge[2], []).append(edge[1])
        elif node := _NODE.match(line.strip()):
            needs.setdefault(node[1], [])
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        loop = ", ".join(dict.fromkeys(error.args[1]))
        raise UserError(
            f"dvc.yaml: these stages need one another: {loop}: break the cycle."
        ) from None
    ordered: dict[str, tuple[str, ...]] = {}
    ready: set[str] = set()
    while sorter.is_active():
        ready.update(sorter.get_ready())
        # one at a time keeps chains together, as DVC itself orders them: `static_order` would queue
        # every step's data set before the round that the next rounds wait for
        stage = next(one for one in needs if one in ready)
        ordered[stage] = tuple(needs[stage])
        ready.remove(stage)
        sorter.done(stage)
    return ordered


def stale(graph: Graph, changed: Iterable[str]) -> Plan:
    """The stages of `graph` that changed, and all that need one of them.

    Needs that reach through another need are left out: ``a -> c`` beside ``a -> b -> c``.
    """
    wanted: set[str] = set(changed) & set(graph)
    for stage, needs in graph.items():
        if wanted & set(needs):
            wanted.add(stage)
    stages = tuple(stage for stage in graph if stage in wanted)
    above: dict[str, set[str]] = {}
    for stage in graph:
        above[stage] = {far for need in graph[stage] for far in {need, *above[need]}}
    direct = {}
    for stage in stages:
        near = [need for need in graph[stage] if need in wanted]
        direct[stage] = tuple(
            need for need in near if not any(need in above[other] for other in near)
        )
    return Plan(stages, direct)


def _dvc(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"DVC_NO_ANALYTICS": "1"},
    )
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        words = " ".join((told or done.stderr.splitlines() or ["no words"])[0].split())
        if "is busy" in done.stderr:
            words = (
                "DVC is at work in this workspace, so that what is stale cannot be told: "
                "wait for it (synth-fr submit --status), then submit again."
            )
        if any(full in done.stderr for full in _FULL):
            words = "DVC cannot write under .dvc: the disk, or your share of it, is full."
        if "RWLock-file" in done.stderr:  # a kill in the instant in which DVC wrote it
            words = (
                ".dvc/tmp/rwlock was left cut short by a killed DVC: remove it if no job of this "
                "workspace runs."
            )
        raise UserError(f"dvc {arguments[0]}: {words.removeprefix('ERROR:').strip()}")
    return done.stdout
