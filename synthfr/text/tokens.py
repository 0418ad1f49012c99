"""Words and n-grams for counting and comparing: any script, no language resources needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")


def tokens(text: str) -> list[str]:
    """Case-folded runs of letters and digits of any script: ``"L'été 2019"`` to l, été, 2019."""
    return _WORD.findall(text.casefold())


def ngrams(items: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """All windows of `n` neighbours, in order: none when there are fewer than `n` items."""
    if n < 1:
        raise ValueError(f"an n-gram has at least one item, not {n}")
    return zip(*(items[start:] for start in range(n)), strict=False)
