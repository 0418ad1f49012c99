"""README's tables of profiles: where each fits, and what ours changes of the published one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthfr.pipeline import differences, profiles
from synthfr.pipeline.parameters import Params, parse
from synthfr.pipeline.plan.memory import GB
from synthfr.pipeline.plan.verdicts import SIZES_GB, Verdict, verdicts

Table = tuple[list[str], list[list[str]]]  # head, rows


def plans(params_path: Path, folder: Path) -> Table:
    """A row for each profile with models to load on a GPU: what it is, and for GPUs of each size
    the stages that they do not hold.
    """
    rows = []
    for name in profiles.names(folder):
        path = profiles.path_of(folder, name)
        params = parse(profiles.merged(params_path, path), name)
        if params.runtime.device != "cuda":
            continue
        what, *_ = profiles.header(path)
        rows.append([f"`{name}`", what, *(_held(params, size) for size in SIZES_GB)])
    return ["profile", "what it is", *(f"{size} GB" for size in SIZES_GB)], rows


def published(params_path: Path, folder: Path) -> Table:
    """A row for each difference between our profile and the publication's."""
    rows = [
        [f"`{one.key}`", _told(one.before, one.key), _told(one.after, one.key), one.reason]
        for one in differences.differences(params_path, folder)
    ]
    names = (f"`{differences.PUBLISHED}`", f"`{differences.OURS}`")
    return ["parameter", *names, "why ours differs"], rows


def _held(params: Params, size_gb: float) -> str:
    found = verdicts(params, size_gb * GB)
    unknown = [one.stage for one in found if not isinstance(one, Verdict)]
    refused = [one.need.stage for one in found if isinstance(one, Verdict) and not one.fits]
    told = [f"too small: {', '.join(refused)}"] if refused else []
    told += [f"unknown: {', '.join(unknown)}"] if unknown else []
    return "; ".join(told) or "fits"


def _told(values: Mapping[str, Any], key: str) -> str:
    """One value where all are the same, else each with what its name has beyond `key`."""
    shown = {
        name.removeprefix(f"{key}."): value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    if len(set(shown.values())) == 1:
        return f"`{next(iter(shown.values()))}`"
    return ", ".join(f"{name} `{value}`" for name, value in shown.items())
