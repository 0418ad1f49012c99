"""The logger's part of the wall: what lies on the private side is never given to MLflow."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

PRIVATE = ("data", "private")  # consecutive folder names that mark the private side


def is_private(path: Path) -> bool:
    """Whether `path`, or anything in it, is under ``data/private``, linked or not."""
    inside = path.rglob("*") if path.is_dir() else ()
    return any(
        PRIVATE in pairwise(Path(spelling).parts)
        for one in (path, *inside)
        # a link that is on the private side, and one that leads there
        for spelling in (os.path.abspath(one), os.path.realpath(one))
    )


def refuse_private(path: Path) -> None:
    """Raise ValueError if `path` is on the private side: see `is_private`."""
    if is_private(path):
        raise ValueError(
            f"{path} is on the private side: nothing under data/private goes to MLflow"
        )
