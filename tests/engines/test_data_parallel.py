"""Several engines behind one: who gets what, and what becomes of failures."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from synthfr import redact
from synthfr.engines import Completion, Request
from synthfr.engines.vllm.data_parallel import parallel_engine
from synthfr.errors import UserError


class Signing:
    """Writes which process it is, and what it was told."""

    def __init__(self) -> None:
        if os.environ["NUMBER"] == "refused":
            raise UserError("This engine has no model: choose one.")

    def generate(self, requests: Sequence[Request]) -> Iterator[Completion]:
        for request in requests:
            if request.prompt == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if request.prompt == "refuse":
                raise UserError(f"{request.id} is refused.")
            if request.prompt.startswith("quote"):
                raise ValueError(request.prompt)
            if request.prompt == "sleep":
                time.sleep(60)
            text = f"{os.getpid()} {os.environ['NUMBER']} {request.prompt}"
            yield Completion(request.id, text, request.seed, 0.5, 1.0, 3, "stop")

    def close(self) -> None:
        pass


def asked(*prompts: str) -> list[Request]:
    return [Request(f"r{i}", prompt, i, 0.5) for i, prompt in enumerate(prompts)]


def numbered(n: int) -> list[dict[str, str]]:
    return [{"NUMBER": str(i)} for i in range(n)]


def workers() -> list[psutil.Process]:
    """The processes started from here, but for Python's own tracker of shared resources."""
    children = psutil.Process().children(recursive=True)
    return [one for one in children if "resource_tracker" not in " ".join(one.cmdline())]


def test_a_worker_of_a_private_stage_dies_without_a_word_of_its_prompt(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def died() -> str:
        with (
            pytest.raises(UserError, match="died"),
            parallel_engine(Signing, numbered(1)) as engine,
        ):
            list(engine.generate(asked("quote Madame Canari")))
        return capfd.readouterr().err

    with redact.private_stage():
        told = died()
    assert "Canari" not in told
    assert "An error whose message may quote private text: ValueError" in told
    assert "Canari" in died()  # negative control: a public stage's has its traceback


def test_prompts_are_dealt_out_and_their_candidates_stay_together() -> None:
    before = dict(os.environ)
    with parallel_engine(Signing, numbered(2)) as engine:
        requests = asked("a", "a", "b", "c", "b", "a")
        done = {one.id: one.text.split()[1:] for one in engine.generate(requests)}
        again = {one.id: one.text.split()[1:] for one in engine.generate(requests)}
        assert [one.text.split()[2] for one in engine.generate(asked("alone"))] == ["alone"]
        assert list(engine.generate([])) == []
        pids = {str(one.pid) for one in workers()}
        assert len(pids) == 2
        assert {one.text.split()[0] for one in engine.generate(requests)} == pids
    assert done == again == {
        "r0": ["0", "a"], "r1": ["0", "a"], "r5": ["0", "a"],
        "r2": ["1", "b"], "r4": ["1", "b"], "r3": ["0", "c"],
    }  # fmt: skip
    assert workers() == []
    assert dict(os.environ) == before


def test_a_mistake_of_the_user_is_told_as_it_is() -> None:
    variables = [{"NUMBER": "0"}, {"NUMBER": "refused"}]
    with (
        pytest.raises(UserError, match=r"^This engine has no model"),
        parallel_engine(Signing, variables),
    ):
        pass
    with (
        pytest.raises(UserError, match=r"^r1 is refused"),
        parallel_engine(Signing, numbered(2)) as engine,
    ):
        list(engine.generate(asked("a", "refuse")))


def test_a_dead_worker_is_named_at_once_and_the_others_end() -> None:
    begin = time.monotonic()
    with (
        pytest.raises(UserError, match=r"process 2 of 2 died \(signal 9\)"),
        parallel_engine(Signing, numbered(2)) as engine,
    ):
        assert len(workers()) == 2
        list(engine.generate(asked("sleep", "die")))
    assert time.monotonic() - begin < 30
    assert workers() == []


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal\n"
        "from synthfr.engines.vllm.data_parallel import parallel_engine\n"
        "from tests.engines.test_data_parallel import Signing, asked, numbered, workers\n"
        "if __name__ == '__main__':\n"
        "    with parallel_engine(Signing, numbered(2)) as engine:\n"
        "        print(*(one.pid for one in workers()), flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in killed.stdout.split()]
    assert len(pids) == 2
    for _ in range(100):
        if not any(psutil.pid_exists(pid) for pid in pids):
            break
        time.sleep(0.1)
    assert not any(psutil.pid_exists(pid) for pid in pids)
