"""What this machine has: processors, memory, GPUs; and a word before work that it cannot do."""

from __future__ import annotations

import os
from pathlib import Path

from synthfr.errors import UserError

GIB = 1 << 30
_CGROUP = Path("/sys/fs/cgroup")


def require_device(device: str) -> None:
    """Hold the process to `device` (auto, cpu or cuda), before torch is imported.

    UserError when a GPU is asked for and there is none that torch can use.
    """
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # nobody down the line sees one
    if device == "cuda" and not gpu_memory():
        raise UserError(
            "runtime.device is 'cuda', and there is no GPU that torch can use here: run this stage "
            "on a node with one, or set runtime.device to auto (a small model on the CPU)."
        )


def gpu_memory() -> list[int]:
    """Bytes of memory of each GPU that torch can use."""
    import torch

    if not torch.cuda.is_available():
        return []
    return [
        torch.cuda.get_device_properties(index).total_memory
        for index in range(torch.cuda.device_count())
    ]


def available_memory() -> int:
    """Bytes of RAM that this process may still take: of the machine, and of its control group (a
    SLURM job, a container).
    """
    import psutil  # type: ignore[import-untyped]

    free = int(psutil.virtual_memory().available)
    # of a control group psutil knows nothing
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if limit.is_file() and (text := limit.read_text("ascii").strip()) != "max":
        free = min(free, int(text) - int(used.read_text("ascii")))
    return free


def check_memory(needed: int, what: str, remedy: str) -> None:
    """UserError when `needed` bytes of RAM are more than there are. `what` takes them."""
    free = available_memory()
    if needed > free:
        raise UserError(
            f"{what} takes at least {needed / GIB:.1f} GiB of memory, and {free / GIB:.1f} GiB are "
            f"free: {remedy}."
        )


def check_gpu_memory(needed: int, what: str, remedy: str) -> None:
    """UserError when `needed` bytes are more than the memory of the first GPU."""
    (memory, *_) = gpu_memory()
    if needed > memory:
        raise UserError(
            f"{what} takes at least {needed / GIB:.1f} GiB of GPU memory, and the GPU has "
            f"{memory / GIB:.1f} GiB: {remedy}."
        )
