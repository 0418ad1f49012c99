"""Work shared out among processes, where no piece knows anything of the others: the results are the
same, and come in the same order, however many processes there are.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from synthfr.errors import UserError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

MOST = 4  # processes: each holds features of its own
_work: Callable[[Any], Any] | None = None  # of a process that was started to work


def cores() -> int:
    """CPU cores that this process may use: those it was given, as far as ``OMP_NUM_THREADS`` (which
    a stage sets by `runtime.threads`) does not say less.
    """
    given = len(os.sched_getaffinity(0))
    said = os.environ.get("OMP_NUM_THREADS", "")
    return min(given, int(said)) if said.isdecimal() and int(said) else given


def in_order(
    work: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    processes: int,
    cost: Callable[[Piece], float],
) -> Iterator[Result]:
    """``work(piece)`` of every piece, in their order; the costliest are begun first.

    The processes (`MOST` at most) are forks: they see what this one holds without a copy, as long
    as nobody writes to it. One process is this one.

    Raises:
        UserError: a process was killed. What `work` raises is raised here.
    """
    processes = min(processes, len(pieces), MOST)
    if processes < 2:
        yield from map(work, pieces)
        return
    fork = multiprocessing.get_context("fork")
    begun = sorted(range(len(pieces)), key=lambda at: -cost(pieces[at]))
    with ProcessPoolExecutor(processes, fork, _start, (work,)) as pool:
        futures = {at: pool.submit(_done, pieces[at]) for at in begun}
        try:
            for at in range(len(pieces)):
                yield futures.pop(at).result()
        except BrokenProcessPool:
            raise UserError(
                "A process that trained coders was killed, most likely because the memory was "
                "full: lower runtime.threads or classify.sizes, or ask for more memory."
            ) from None
        finally:
            for future in futures.values():
                future.cancel()


def _start(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work


def _done(piece: Any) -> Any:
    if _work is None:
        raise RuntimeError("the process was started without work")
    return _work(piece)
