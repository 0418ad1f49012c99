"""A training that was killed goes on where it was, and ends as if nothing had happened."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthfr import resume
from synthfr.errors import UserError
from tests.training import small

KILL_AT = 6  # in the middle of the second epoch of four steps


def test_half_written_checkpoints_are_not_resumed_from(tmp_path: Path) -> None:
    for step, whole in ((2, True), (10, True), (12, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if whole:
            (tmp_path / f"checkpoint-{step}" / resume.COMPLETE).touch()
    assert resume.last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert not (tmp_path / "checkpoint-12").exists()


def test_nothing_to_resume_from(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-2").mkdir()
    assert resume.last_checkpoint(tmp_path) is None


class _Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def add_callback(self, callback: Any) -> None: ...

    def train(self, resume_from_checkpoint: str | None) -> None:
        raise self.error


def test_full_disk_is_the_users_to_mend(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(UserError, match="No space left"):
        resume.train(_Failing(full), tmp_path)
    with pytest.raises(RuntimeError, match="shape"):  # the control: other errors pass as they are
        resume.train(_Failing(RuntimeError("shape mismatch")), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("sft", marks=pytest.mark.long), "dpo"])
def test_killed_and_resumed_ends_in_the_same_bytes(
    kind: str,
    base: Path,
    tmp_path: Path,
    saved: Callable[[Any], bytes],
    plain: Callable[[str], Any],
) -> None:
    straight = plain(kind)
    scratch = tmp_path / "killed"
    scratch.mkdir()
    killed_at = _killed(kind, base, scratch)
    assert killed_at is not None and 4 < killed_at < straight.metrics["steps"]
    resumed = small.train(kind, base, scratch)
    assert saved(resumed.model) == saved(straight.model)
    assert resumed.history == straight.history
    assert resumed.metrics == straight.metrics


def _killed(kind: str, base: Path, scratch: Path) -> int | None:
    """Train in another process, kill it in the second epoch, return the step to resume from."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.small", kind, str(base), str(scratch)],
        stderr=subprocess.PIPE,
    ) as process:
        complete = scratch / f"checkpoint-{KILL_AT}" / resume.COMPLETE
        deadline = time.monotonic() + 120
        while not complete.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors.decode()
    last = resume.last_checkpoint(scratch)
    return int(last.name.removeprefix(resume.PREFIX)) if last else None
