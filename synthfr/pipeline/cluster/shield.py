"""DVC's command line, made to outlive a signal that is meant for its stage.

``python -m synthfr.pipeline.cluster.shield repro`` is ``dvc repro``. A DVC that SIGTERM kills
leaves its entry in ``.dvc/tmp/rwlock``, or the file cut short. Here the stage takes the signal
(what is handled, not ignored, is back to its default in a child), and so does every stage that DVC
would start afterwards: DVC sees a failed stage, tidies up and ends.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any


def main(arguments: list[str]) -> int:
    from dvc.cli import main as dvc

    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, lambda number, frame: told.set())
    threading.Thread(target=_end_stages, args=(told,), daemon=True).start()
    return int(dvc(arguments))


def _end_stages(told: threading.Event) -> None:
    import psutil  # type: ignore[import-untyped]

    told.wait()
    asked: set[Any] = set()
    while True:
        for child in set(psutil.Process().children()) - asked:  # once each, to let it tidy up
            asked.add(child)
            try:
                child.terminate()
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
