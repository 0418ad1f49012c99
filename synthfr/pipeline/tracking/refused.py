"""What MLflow will never take, and what is damaged: put aside, so that it stops no other."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from synthfr.pipeline.tracking.faults import trouble
from synthfr.pipeline.tracking.store import Store

# what MLflow refuses today it will refuse tomorrow
_NEVER = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}


class UnreadableRecord(Exception):
    """What waits in the spool is no JSON: a file system lost a part of it."""


def is_refused(error: Exception, store: Store) -> bool:
    """Whether it is what was sent that is wrong, and not the store."""
    if isinstance(error, UnreadableRecord):
        return True
    # MLflow calls a damaged database a bad request, too
    return getattr(error, "error_code", None) in _NEVER and not trouble(store, thorough=True)


def put_aside(path: Path, error: Exception) -> None:
    """Move a file of the spool into its folder `refused`, and tell why in the log."""
    told = str(error)
    if not isinstance(error, UnreadableRecord):
        told = f"MLflow refuses it for good: {getattr(error, 'message', told)}"
    say(f"{path.name} is put aside in spool/refused: {told}")
    folder = path.parent / "refused"
    folder.mkdir(exist_ok=True)
    path.rename(folder / path.name)


def say(message: str) -> None:
    """A line of the recorder's log."""
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {message}", file=sys.stderr, flush=True)
