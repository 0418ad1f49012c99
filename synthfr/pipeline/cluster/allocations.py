"""What each stage asks SLURM for: ``slurm/resources.yaml``."""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.section import Count, Section

Word = Annotated[str, Field(pattern=r"^[\w.,@+:&|*()\[\]-]+$")]


class Request(Section):
    """Of one job. What is not set is SLURM's default."""

    gpus: Annotated[int, Field(ge=0)] = 0
    gpu_type: Word | None = None
    cpus: Count = 1
    mem: Annotated[str, Field(pattern=r"^\d+[KMGT]?$")] | None = None
    time: Annotated[str, Field(pattern=r"^(\d+|\d+:\d\d(:\d\d)?|\d+-\d+(:\d\d){0,2})$")] | None = (
        None
    )
    partition: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None
    account: Word | None = None
    array: Annotated[int, Field(ge=2)] | None = (
        None  # tasks, each with a shard of a wide stage's work
    )
    array_limit: Count | None = None  # tasks at once

    def array_options(self) -> list[str]:
        """What sbatch needs beside `options` to start the tasks of the array."""
        if self.array is None:
            return []
        at_once = f"%{self.array_limit}" if self.array_limit else ""
        return [f"--array=0-{self.array - 1}{at_once}", "--output=logs/%x-%A_%a.log"]

    def options(self) -> list[str]:
        """For the command line of sbatch."""
        kind = f"{self.gpu_type}:" if self.gpu_type else ""
        values = {
            "cpus-per-task": str(self.cpus),
            "gres": f"gpu:{kind}{self.gpus}" if self.gpus else None,
            **{
                name: getattr(self, name)
                for name in ("mem", "time", "partition", "qos", "constraint", "account")
            },
        }
        return [f"--{name}={value}" for name, value in values.items() if value is not None]


def largest(requests: Sequence[Request]) -> Request:
    """What one job needs to run all of them in turn, each part as much as the neediest.

    The time too: a job that does not finish within it is queued again. Partition, qos, constraint
    and account are those of the job with the most GPUs.
    """
    neediest = max(requests, key=lambda one: one.gpus)
    by_part = {
        "cpus": max(one.cpus for one in requests),
        "mem": max((one.mem for one in requests if one.mem), key=_mebibytes, default=None),
        "time": max((one.time for one in requests if one.time), key=_seconds, default=None),
    }
    return neediest.model_copy(update=by_part)


def read_requests(
    path: Path, stages: Iterable[str], wide: Container[str] = ()
) -> dict[str, Request]:
    """The request of each of `stages`: the defaults, overlaid by its kind's entry (``dpo``), then
    its own (``dpo@dpo2``).

    A stage that dvc.yaml does not know, an unknown key, or an array of a stage that is not among
    the `wide` ones is a UserError.
    """
    data = read_yaml(path) or {}
    if not isinstance(data, Mapping) or not set(data) <= {"defaults", "stages"}:
        raise UserError(f"{path}: two keys stand at its top: defaults and stages.")
    defaults, entries = data.get("defaults") or {}, data.get("stages") or {}
    stages = list(stages)
    known = list(dict.fromkeys([*stages, *(_kind(stage) for stage in stages)]))
    for name in entries:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}."
            raise UserError(f"{path}: stages.{name}: dvc.yaml has no such stage: {hint}")
    _checked(path, "defaults", defaults)
    for name, entry in entries.items():
        _checked(path, f"stages.{name}", entry or {})
    requests = {
        stage: _checked(
            path,
            f"stages.{stage}",
            defaults | (entries.get(_kind(stage)) or {}) | (entries.get(stage) or {}),
        )
        for stage in stages
    }
    for stage, request in requests.items():
        if request.array is not None and stage not in wide:
            raise UserError(
                f"{path}: stages.{_kind(stage)}.array: {stage} cannot be cut into shards: only "
                "stages with 'meta: {sharded: true}' in dvc.yaml can."
            )
    return requests


def _checked(path: Path, where: str, data: Any) -> Request:
    try:
        return Request.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join([where, *(str(part) for part in first["loc"][:1])])
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        end = "" if message.endswith("?") else "."
        raise UserError(f"{path}: {place}: {message}{end}") from None


def _mebibytes(mem: str) -> float:
    units = {"K": 1 / 1024, "M": 1, "G": 1024, "T": 1024 * 1024}
    return int(mem.rstrip("KMGT")) * units.get(mem[-1], 1)


def _seconds(time: str) -> int:
    """Of SLURM's forms: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S."""
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:  # after days the first part is hours
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:
        hours, (minutes, seconds) = 0, (*parts, 0)[:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _kind(stage: str) -> str:
    """``dpo`` of ``dpo@dpo2``, in whatever recipe."""
    return stage.rpartition(":")[2].partition("@")[0]
