"""Runs a block in a process of its own, with a time limit, and records how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.blocks import BLOCKS
from synthfr.disk import write_json
from synthfr.errors import UserError
from synthfr.pipeline.gpu_record import CONTENDERS, Figures, Outcome

ROOT = Path(__file__).parents[2]
SEED = 0
_REASON = 200  # characters
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class Machine:
    """What blocks run on: `index` is the GPU's, as CUDA numbers it; empty on a CPU."""

    name: str
    driver: str
    torch: str
    index: str


def find_machine(device: str) -> Machine | None:
    """The first GPU that torch can use, or this CPU when `device` says so; None without a GPU."""
    if device == "cpu":
        return Machine("CPU", "none", _torch_version(), "")
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    index = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        driver = done.stdout.split("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        driver = "unknown"
    return Machine(torch.cuda.get_device_name(0), driver, torch.__version__, index)


def _torch_version() -> str:
    import torch

    return str(torch.__version__)


def commit() -> str:
    """Of this checkout; a copy without git has none."""
    asked = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def command(name: str, size: str) -> list[str]:
    """What runs a block; the file for its figures comes last."""
    return [sys.executable, "-m", "benchmarks.gpu_check", "block", name, "--size", size]


def run(name: str, size: str, machine: Machine, limit_s: float, commit: str) -> Outcome:
    """One block's outcome."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "figures.json"
        begun = time.monotonic()
        status = _wait([*command(name, size), "--figures", str(found)], machine, limit_s)
        seconds = time.monotonic() - begun
        held = json.loads(found.read_text("utf-8")) if found.is_file() else {}
    figures, reason = held.get("figures", {}), held.get("reason", "")
    if status is None:
        ended, reason = "timeout", f"stopped after {limit_s:g} s"
    elif status or reason or set(figures) != set(CONTENDERS[name]):
        ended, reason = "failed", reason or f"its process ended with status {status}"
    else:
        ended = "done"
    return Outcome(
        ended, reason, figures, size, seconds, date.today().isoformat(), commit, SEED,
        machine.driver, machine.torch,
    )  # fmt: skip


def _wait(command: list[str], machine: Machine, limit_s: float) -> int | None:
    """Exit status of the process; None when it was stopped, with all that it started, for time.

    They end with this process, too, when it is interrupted or told to end.
    """
    # one GPU: a trainer would spread over all that it sees
    environment = os.environ | _ONE_THREAD | {"CUDA_VISIBLE_DEVICES": machine.index}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, process_group=0)
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def execute(name: str, size: str, found: Path) -> int:
    """The block itself, in this process: figures and failures go to `found` one by one. Status 1 if
    any of its contenders failed; the others are measured all the same.
    """
    from benchmarks import machine

    figures: dict[str, Any] = {}
    failures: list[str] = []
    try:
        for contender, measure in BLOCKS[name].measure(size):
            machine.fresh()
            try:
                figures[contender] = dict(measure())
            except Exception as error:
                failures.append(f"{contender}: {told(error)}")
                traceback.print_exc()
            _keep(found, figures, failures)
    except Exception as error:  # of what the contenders share
        failures.append(told(error))
        traceback.print_exc()
        _keep(found, figures, failures)
    return int(bool(failures))


def _keep(found: Path, figures: Figures, failures: list[str]) -> None:
    write_json(found, {"figures": figures, "reason": "; ".join(failures)[:_REASON]})


def told(error: Exception) -> str:
    """An error in one line, without this machine's folders."""
    if isinstance(error, subprocess.CalledProcessError):
        return f"a process of its own ended with status {error.returncode}"
    text = " ".join(str(error).split()).replace(str(ROOT), ".").replace(str(Path.home()), "~")
    line = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
    return line[:_REASON]
