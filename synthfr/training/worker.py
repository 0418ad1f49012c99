"""One of several processes of a training: ``python -m synthfr.training.worker SCRATCH``.

Started by `launch`, never by hand.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from synthfr import distributed
from synthfr.disk import full_disk, is_full, write_text
from synthfr.errors import UserError
from synthfr.training import handover, job

_PARENT_CHECK_S = 1.0


def main(scratch: Path) -> None:
    """Train; the first process leaves adapter, curves and figures in `scratch`."""
    own_job = handover.read_job(scratch)
    result = job.fit(own_job)
    if distributed.rank() == 0:
        job.save_adapter(own_job, result.model, scratch / handover.ADAPTER)
        handover.write_summary(scratch, result)
    from torch.distributed import destroy_process_group

    destroy_process_group()


def _end_with_parent() -> None:
    """A stage that was killed outright cannot end its processes: they look after it themselves."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    folder = Path(sys.argv[1])
    try:
        try:
            main(folder)
        except UserError:
            raise
        except Exception as error:
            if not is_full(error):
                raise
            raise full_disk(f"under {folder}", folder) from error
    except UserError as problem:
        status = 1
        try:
            write_text(folder / handover.PROBLEM.format(rank=distributed.rank()), str(problem))
        except UserError:
            status = handover.NO_ROOM
        sys.stderr.flush()
        os._exit(status)  # others may wait for this one in a collective call
