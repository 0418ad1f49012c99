"""Random numbers that depend on what is drawn, never on when or in which order.

A draw is named by the parameter seed and stable parts (a record's id, a purpose). Two runs, two
machines, or a run that was resumed in the middle therefore draw the same values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T", bound=str)
SEED_BITS = 63  # a signed 64-bit integer: what Parquet, torch and vLLM all accept


def derive(seed: int, *parts: object) -> int:
    """Seed in [0, 2**63) for the draw named by `parts`.

    Parts are strings, integers, floats, booleans or None (numpy scalars count as their Python
    value); anything else is a TypeError, because its text form need not be stable.
    ``derive(0, "ab", "c") != derive(0, "a", "bc")``.
    """
    name = json.dumps([_plain(part) for part in (seed, *parts)], ensure_ascii=True)
    head = hashlib.sha256(name.encode("ascii")).digest()[:8]
    return int.from_bytes(head, "big") >> (64 - SEED_BITS)


def first(names: Iterable[T], n: int, seed: int, purpose: str) -> list[T]:
    """The first `n` of `names` in an order that is drawn by them alone: where some are taken away,
    the others keep theirs.
    """
    return [name for _, name in sorted((derive(seed, purpose, name), name) for name in names)][:n]


def rng(seed: int, *parts: object) -> np.random.Generator:
    """Generator (PCG64) for the draw named by `parts`: see `derive`."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(derive(seed, *parts)))


def _plain(part: object) -> str | int | float | bool | None:
    if type(part).__module__ == "numpy" and hasattr(part, "item"):
        part = part.item()
    if part is None or isinstance(part, str | int | float | bool):
        return part
    raise TypeError(f"a seed is made of str, int, float, bool or None, not {type(part).__name__}")
