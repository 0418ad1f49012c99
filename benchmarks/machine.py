"""The machine that a benchmark runs on: its clock, its memory, what it can compute at most."""

from __future__ import annotations

import time

# of the GPU in dense bfloat16, floating-point operations a second (NVIDIA's data sheets)
PEAK_FLOPS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}


def device() -> str:
    """``cuda`` where torch sees a GPU, else ``cpu``."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def name() -> str:
    """What the GPU is called, or the processor."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, one thread"


def clock() -> float:
    """Seconds of wall clock on a GPU, of CPU time elsewhere: other work does not count there."""
    return time.perf_counter() if device() == "cuda" else time.process_time()


def now() -> float:
    """`clock`, once the GPU has done what this process asked of it."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clock()


def peak_flops() -> float:
    """Floating-point operations a second that this machine can do: the GPU's in dense bfloat16, or
    what one matrix product reaches here.
    """
    import torch

    if torch.cuda.is_available():
        known = [flops for part, flops in PEAK_FLOPS.items() if part in name()]
        if known:
            return known[0]
    size = 4096 if torch.cuda.is_available() else 1024
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    one = torch.randn(size, size).to(device(), dtype)
    one @ one
    begun, times = now(), 10
    for _ in range(times):
        one @ one
    return times * 2 * size**3 / (now() - begun)


def peak_gib() -> float:
    """GiB that this process held at most: of the GPU's memory since `fresh`, or of RAM ever."""
    import resource

    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated() / 2**30)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def fresh() -> None:
    """Give back what the contender before left on the GPU, and begin its peak anew."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
