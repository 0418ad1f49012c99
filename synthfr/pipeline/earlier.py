"""What a stage's last good run made, after a failed one: still in DVC's cache, and how to get it.

DVC removes a stage's outputs before it looks for what the stage needs and before it runs it. So a
run that fails, or does not even begin, leaves none; the cache keeps those that dvc.lock names.
"""

from __future__ import annotations

import os
from pathlib import Path

from synthfr.errors import UserError
from synthfr.pipeline import dvc_cache


def hint(stage: str) -> str | None:
    """What a failing `stage` adds to its error: `recovery`; None where DVC does not run it."""
    address = os.environ.get("DVC_STAGE")
    # the workspace of an experiment of `dvc exp run --temp` is thrown away
    if address is None or ".dvc" in Path.cwd().parts:
        return None
    try:
        found = recovery(address)
    except (OSError, UserError):
        return None  # dvc.lock or the cache cannot be read: what failed is told all the same
    return f"{stage}: {found}." if found else None


def recovery(address: str, recipe: Path = Path()) -> str | None:
    """How to get back what is missing of a stage's outputs; None if nothing is, or nothing is kept.

    `address` is the stage as DVC names it where the user works, such as
    ``recipes/teacher/dvc.yaml:seed``; `recipe` is the stage's folder, seen from here.
    """
    graph, _, name = address.rpartition(":")
    outs = dvc_cache.locked_outs(recipe).get(name, {})
    lost = [path for path in outs if not (recipe / path).exists()]
    kept = [path for path in lost if dvc_cache.holds(outs[path])]
    if not kept:
        return None
    if kept == lost:
        # what a failed run wrote would stand in the way
        told, what = "the outputs", address if len(lost) == len(outs) else f"--force {address}"
    else:
        paths = [(Path(graph).parent / path).as_posix() for path in kept]
        told, what = "some of the outputs", " ".join(paths)
    return f"{told} of its last good run are in DVC's cache: `dvc checkout {what}` brings them back"
