"""What DVC leaves half-written, and whether it may go.

DVC copies a file under a hidden name first (``.<22 letters>.tmp``), in its cache or beside the
output that it checks out, and renames it at the end. Killed, or on a full disk, it leaves that
file, and makes another one at the next try; `dvc gc` removes none of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from synthfr.disk import size
from synthfr.pipeline import dvc_cache, layout
from synthfr.pipeline.findings import Finding, Weight
from synthfr.pipeline.recipe import recipes
from synthfr.pipeline.tracking.locks import is_locked

_NAME = re.compile(r"\.[\w-]{22}\.tmp", re.ASCII)
_SETTLED_S = 60.0  # where no DVC is at work, nobody goes on with what was written so long ago
_ABANDONED_S = 3600.0  # nor with this anywhere: one at work on another machine cannot be seen


def left() -> tuple[list[Path], list[Path]]:
    """The half files of this checkout: those that may go, and those that somebody may still write
    (open in a process of this machine, or too young).
    """
    found = sorted({file for file in _candidates() if _NAME.fullmatch(file.name)})
    if not found:
        return [], []
    least_s = _ABANDONED_S if _may_be_at_work() else _SETTLED_S
    in_use = _open_files()
    stale = [file for file in found if _age_s(file) > least_s and str(file.resolve()) not in in_use]
    return stale, [file for file in found if file not in stale]


def findings() -> Iterator[Finding]:
    """For ``synth-fr doctor``: nothing where there are none."""
    stale, young = left()
    if stale:
        text = (
            f"{len(stale)} files that DVC left half-written take {size(_bytes(stale))}, such as "
            f"{stale[0]}: synth-fr doctor --clear removes them"
        )
        yield Finding("dvc", Weight.NOTE, text)
    if young:
        text = (
            f"{len(young)} files that DVC may still be writing take {size(_bytes(young))}: if no "
            "DVC is at work, ask again in a minute, or in an hour where another machine or "
            ".dvc/tmp/rwlock says that one may be"
        )
        yield Finding("dvc", Weight.NOTE, text)


def clear() -> str:
    """Remove those that may go; says how many."""
    stale, _ = left()
    freed = _bytes(stale)
    for file in stale:
        file.unlink(missing_ok=True)
    return f"Removed {len(stale)} files that DVC had left half-written, {size(freed)}."


def _candidates() -> Iterator[Path]:
    cache = dvc_cache.folder()
    for pattern in ("files/md5/.*.tmp", "files/md5/*/.*.tmp", "runs/*/*/.*.tmp"):
        yield from cache.glob(pattern)
    for recipe in recipes(layout.checkout()):
        made = dvc_cache.locked_outs(recipe.folder).values()
        for folder in {Path(path).parent for outs in made for path in outs}:
            yield from (recipe.folder / folder).glob(".*.tmp")


def _may_be_at_work() -> bool:
    """Whether a DVC that cannot be seen from here may be writing: in a cache that others use, or by
    what the locks of this checkout say.
    """
    own = layout.checkout() / ".dvc"
    if not dvc_cache.folder().resolve().is_relative_to(own.resolve()):
        return True
    return is_locked(own / "tmp/lock") or '"pid"' in _text(own / "tmp/rwlock")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _open_files() -> set[str]:
    """Files that processes of this machine have open, as far as we may look."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # another user's, or ended meanwhile
            found |= {file.path for file in process.open_files()}
    return found


def _age_s(file: Path) -> float:
    """Seconds since the last write; 0 for a file that is gone."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _bytes(files: list[Path]) -> int:
    total = 0
    for file in files:
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total
