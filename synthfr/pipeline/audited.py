"""Privacy audits of exactly what is here, by dvc.lock: of a step's data set, of all that a push
would send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthfr.disk import digest, read_json, read_yaml
from synthfr.errors import UserError
from synthfr.pipeline import layout
from synthfr.pipeline.standing import LOCK, kept_hashes

# stage that audits -> folder of what it audits, by item
_AUDITS: Mapping[str, Path] = {"privacy": layout.SYNTHETIC, "linkage": layout.ROUNDS}


def audit_of(step: str) -> dict[str, Any] | None:
    """Figures of the privacy audit of exactly the data set that is here; None: there are none."""
    stages = _locked()
    made = layout.synthetic(step).as_posix()
    hashes = kept_hashes(layout.store_folder())
    entry = stages.get(f"privacy@{step}")
    if not entry or not _md5s(entry, "deps").get(made) == hashes.of(made) is not None:
        return None
    figures = layout.metrics("privacy", step)
    recorded = _md5s(entry, "outs").get(figures.as_posix())
    return read_json(figures) if recorded == hashes.of(figures.as_posix()) is not None else None


def run_of(step: str) -> dict[str, str]:
    """Digests of what dvc.lock knows of the run that made the step's data set: its code and its
    parameters; empty where the data set here is not that run's.
    """
    made = layout.synthetic(step).as_posix()
    here = kept_hashes(layout.store_folder()).of(made)
    written = _locked().get(f"synthesize@{step}")
    if not written or not _md5s(written, "outs").get(made) == here is not None:
        return {}
    code = {
        path: md5
        for path, md5 in _md5s(written, "deps").items()
        if path.partition("/")[0] not in ("data", "models")
    }
    return {"code": digest(code), "parameters": digest(written.get("params") or {})}


def releases(rounds: Iterable[str]) -> dict[str, str]:
    """By which way of `score.release` the scores of each round left, by dvc.lock: ``population``
    with noise, ``unguarded`` where that was without; ``unknown``: no such stage ran.
    """
    stages = _locked()
    found = {}
    for one in rounds:
        params = stages.get(f"release@{one}", {}).get("params", {}).get("params.yaml") or {}
        way = params.get("score.release", "unknown")
        noisy = (params.get("score.dp") or {}).get("epsilon") is not None
        found[one] = "unguarded" if way == "population" and not noisy else str(way)
    return found


def guarantees(rounds: Sequence[str]) -> dict[str, Any]:
    """What the releases of these rounds claim of differential privacy, if every one of them claims
    it by figures that are dvc.lock's; else nothing: one round without it undoes the others'.
    """
    told = {one: (figures_of("release", one) or {}).get("dp") for one in rounds}
    return told if all(told.values()) else {}


def figures_of(stage: str, round_: str) -> dict[str, Any] | None:
    """Figures of a round's ``linkage`` or ``release``, where they are those that dvc.lock has, of
    what the round's other stages made last; None: there are none.
    """
    if not _audited(_locked(), f"{stage}@{round_}", layout.ROUNDS / round_):
        return None
    figures: dict[str, Any] = read_json(layout.metrics(stage, round_))
    return figures


def told_of_push(refuse_rounds: bool) -> tuple[list[str], list[str]]:
    """What stands against a push of all that dvc.lock names (``dvc push`` sends it, ``git push``
    tells others how to fetch it), and what to know before one. A round that failed stands against
    it only with `refuse_rounds`.
    """
    from synthfr.privacy import gate

    against: list[str] = []
    notes: list[str] = []
    stages = _locked()
    for name in sorted(stages):
        kind, _, item = name.partition("@")
        if kind not in _AUDITS or not item:
            continue
        figures, what = layout.metrics(kind, item), _AUDITS[kind] / item
        read = _audited(stages, name, what)
        if figures.is_file() and read:
            found = read_json(figures)
            stops = kind != "linkage" or refuse_rounds
            (against if stops else notes).extend(filter(None, [gate.refusal(str(what), found)]))
            notes += filter(None, [gate.warning(str(what), found)])
    pushed = {name.partition("@")[2] for name in stages if name.startswith("synthesize@")}
    notes += [
        f"No privacy audit of {layout.synthetic(step)}: `dvc repro privacy@{step}`."
        for step in sorted(pushed)
        if not _audited(stages, f"privacy@{step}", layout.synthetic(step))
    ]
    return against, notes


def refuse_push(refuse_rounds: bool) -> list[str]:
    """Notes on what is pushed; UserError where an audit failed."""
    against, notes = told_of_push(refuse_rounds)
    if against:
        raise UserError(
            f"{' '.join(against)} Nothing is pushed: make the data again, or take it out of "
            "dvc.lock; `synth-fr publish` lets one data set out under a name that answers for it."
        )
    return notes


def _audited(stages: Mapping[str, Any], name: str, what: Path) -> bool:
    """Whether dvc.lock's audit is of what dvc.lock's other stages made last, and its figures those
    that are here.
    """
    entry = stages.get(name)
    if not entry:
        return False
    made: dict[str, str] = {}
    for other in stages.values():
        made |= _md5s(other, "outs")
    read = {
        path: md5
        for path, md5 in _md5s(entry, "deps").items()
        if Path(path).is_relative_to(what) and path in made
    }
    hashes = kept_hashes(layout.store_folder())
    figures = _md5s(entry, "outs")
    current = all(
        hashes.of(path) == md5 for path, md5 in figures.items() if Path(path).suffix == ".json"
    )
    return bool(read) and current and all(made[path] == md5 for path, md5 in read.items())


def _locked() -> dict[str, Any]:
    found = read_yaml(LOCK) if LOCK.is_file() else {}
    stages: dict[str, Any] = (found or {}).get("stages") or {}
    return stages


def _md5s(entry: Mapping[str, Any], part: str) -> dict[str, str]:
    return {one["path"]: one.get("md5", "") for one in entry.get(part) or ()}
