"""Several processes at one work, as torchrun starts them: which one this is, and exchange."""

from __future__ import annotations

import os
from typing import Any


def rank() -> int:
    """Number of this process among those of its training; 0 when it is alone."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """Number of the GPU that this process works on."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def processes() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def gather(parts: list[Any]) -> list[Any]:
    """The lists of all processes, one after the other."""
    if processes() == 1:
        return parts
    from accelerate.utils import gather_object

    gathered: list[Any] = gather_object(parts)
    return gathered
