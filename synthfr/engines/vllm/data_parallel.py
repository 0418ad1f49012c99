"""One engine out of several, each in a process of its own with a part of the prompts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any, Protocol

from synthfr import redact
from synthfr.engines.protocol import Completion, Engine, Request
from synthfr.errors import UserError

_PATIENCE_S = 30  # for a process that ends


class ClosableEngine(Engine, Protocol):
    """An engine that holds memory until it is closed."""

    def close(self) -> None:
        """Give it back."""
        ...


@contextmanager
def parallel_engine(
    make: Callable[[], ClosableEngine], environments: Sequence[Mapping[str, str]]
) -> Iterator[Engine]:
    """An engine of as many processes as `environments`: in each, `make` (picklable) is called with
    those variables set, and what it made is closed at the end.

    A worker's UserError is raised here, and one that names a worker that died.
    """
    n = len(environments)
    workers: list[_Worker] = []
    try:
        for at, variables in enumerate(environments):
            workers.append(_Worker(f"{at + 1} of {n}", make, variables))
        _answers(workers)  # all are ready
        yield _ParallelEngine(workers)
        for worker in workers:
            worker.ask(None)
    except BaseException:
        for worker in workers:
            worker.process.terminate()
        raise
    finally:
        for worker in workers:
            worker.join()


class _ParallelEngine:
    """Prompts are dealt out in turn; all requests of a prompt go to the same worker."""

    independent = False  # sums of differently filled batches round differently

    def __init__(self, workers: Sequence[_Worker]) -> None:
        self._workers = workers

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        """See `Engine.generate`; which worker has a request depends on the list alone."""
        prompts = dict.fromkeys(request.prompt for request in requests)
        turn = {prompt: at % len(self._workers) for at, prompt in enumerate(prompts)}
        asked = self._workers[: len(prompts)]
        for at, worker in enumerate(asked):
            worker.ask([request for request in requests if turn[request.prompt] == at])
        for completions in _answers(asked):
            yield from completions

    def measures(self) -> dict[str, Any]:
        """Nothing beyond the texts."""
        return {}


class _Worker:
    """A process, and the line to it."""

    def __init__(
        self, name: str, make: Callable[[], ClosableEngine], variables: Mapping[str, str]
    ) -> None:
        self.name = name
        spawn = multiprocessing.get_context("spawn")
        self.line, theirs = spawn.Pipe()
        self.process = spawn.Process(target=_work, args=(make, dict(variables), theirs))
        self.process.start()
        theirs.close()  # so that the line ends with the process

    def ask(self, requests: list[Request] | None) -> None:
        """Send work; None: no more will come."""
        try:
            self.line.send(requests)
        except OSError:
            raise self.death() from None

    def answer(self) -> Any:
        """What the worker says; its UserError, or its death, is raised."""
        try:
            said = self.line.recv()
        except (EOFError, OSError):
            raise self.death() from None
        if isinstance(said, UserError):
            raise said
        return said

    def death(self) -> UserError:
        """What to say of a worker that ended unasked."""
        self.process.join(_PATIENCE_S)
        code = self.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return UserError(
            f"Writing process {self.name} died ({how}): its last words are above; signal 9 is "
            "mostly a lack of memory: lower batch_size or engines.vllm.data_parallel."
        )

    def join(self) -> None:
        """Wait for the end, and hasten it if it does not come."""
        for hasten in (self.process.terminate, self.process.kill):
            self.process.join(_PATIENCE_S)
            if self.process.exitcode is None:
                hasten()
        self.process.join()
        self.line.close()


def _answers(workers: Sequence[_Worker]) -> list[Any]:
    """One answer of each worker, in their order; the first that fails is raised at once."""
    said: dict[str, Any] = {}
    while left := [worker for worker in workers if worker.name not in said]:
        # a worker that dies ends its line, unless a process of its own still holds it
        ready = wait([one for worker in left for one in (worker.line, worker.process.sentinel)])
        for worker in left:
            if worker.line in ready:
                said[worker.name] = worker.answer()
            elif worker.process.sentinel in ready and not worker.line.poll():
                raise worker.death()
    return [said[worker.name] for worker in workers]


def _work(make: Callable[[], ClosableEngine], variables: dict[str, str], line: Connection) -> None:
    """A worker's life: make the engine, answer until there is no more work."""
    os.environ |= variables
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us, in its own time
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with closing(make()) as engine:
            line.send("ready")
            while (requests := line.recv()) is not None:
                line.send(list(engine.generate(requests)))
    except UserError as error:
        line.send(error)
    except Exception as error:
        if not redact.is_private_stage():
            raise
        sys.exit(f"An error whose message may quote private text: {redact.failure(error)}")


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
