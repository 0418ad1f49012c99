"""The sending side: the one process that gives records to MLflow.  ``python -m
synthfr.pipeline.tracking.recorder FOLDER EXPERIMENT TIMEOUT_S``

Stages start it when they need it (see `spool`). It follows every record in the spool while its
writer lives, and removes it when MLflow has all of it. A record is replayed from its beginning by
whoever takes it up: a run that a recorder left half done is deleted first. So a run is in MLflow
once, whatever is killed, and whenever. The cells of a grid come last, a few at a time: no stage
waits for them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from synthfr.pipeline.tracking import cells
from synthfr.pipeline.tracking.faults import is_the_stores, reason
from synthfr.pipeline.tracking.locks import exclusive_or_none
from synthfr.pipeline.tracking.refused import say
from synthfr.pipeline.tracking.replay import Replay
from synthfr.pipeline.tracking.store import Store, connect

LINGER_S = 30.0  # longer than the gap between two stages of a `dvc repro`
_POLL_S = 0.05


def drain(store: Store, linger_s: float = 0.0) -> int | None:
    """Send what is in the spool; returns the number of runs sent, or None if another recorder is at
    work.

    Stays while any record has a living writer, and `linger_s` longer. MLflow's errors pass through,
    records are kept.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    with exclusive_or_none(store.recorder_lock) as mine:
        if not mine:
            return None
        store.spool.mkdir(exist_ok=True)
        if linger_s == 0 and not is_waiting(store.spool):
            return 0
        client, experiment_id = connect(store)
        replays: dict[Path, Replay] = {}
        sending: cells.Sending | None = None
        sent, quiet_since = 0, time.monotonic()
        while True:
            for path in _records(store.spool):
                replay = replays.setdefault(path, Replay(client, experiment_id, store, path))
                if replay.advance():
                    sent += 1
                    del replays[path]
                quiet_since = time.monotonic()
            if sending is None and (left := cells.waiting(store.spool)):
                sending = cells.Sending(client, store, left[0])
            if sending is not None:
                sending = None if sending.advance() else sending
                quiet_since = time.monotonic()
                continue
            if time.monotonic() - quiet_since > linger_s or not store.spool.is_dir():
                return sent
            time.sleep(_POLL_S)


def is_waiting(spool: Path) -> bool:
    """Whether anything is to be sent."""
    return bool(_records(spool) or cells.waiting(spool))


def _records(spool: Path) -> list[Path]:
    return sorted(spool.glob("[!.]*.jsonl"))  # by start time


def main(folder: str, experiment: str, timeout_s: str) -> None:
    """Send records until none comes for a while; errors go to the log, which the writers' warnings
    name.
    """
    store = Store.at(Path(folder), experiment, float(timeout_s))
    try:
        sent = drain(store, LINGER_S)
    except Exception as error:  # the log is all that is left to tell; the records stay in the spool
        known = is_the_stores(error)
        why = reason(store, error) if known else f"{type(error).__name__}: {error}"
        say(f"gave up: {why}")
        raise SystemExit(1) from None
    if sent:
        say(f"sent {sent} run{'s' if sent > 1 else ''} to {store.shown_uri}")


if __name__ == "__main__":
    main(*sys.argv[1:])
