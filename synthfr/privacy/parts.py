"""Many texts, read some at a time: memory stays small, and a terminal shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator

_SOON_DONE = 5_000  # texts; for so few no bar


def parts(texts: int, together: int, what: str) -> Iterator[slice]:
    """Slices of `together` texts each, up to the number of `texts`; `what` names the bar."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    hidden = True if texts <= _SOON_DONE else None  # None: no bar without a terminal
    with tqdm(total=texts, desc=what, unit="text", disable=hidden) as bar:
        for start in range(0, texts, together):
            part = slice(start, min(start + together, texts))
            yield part
            bar.update(part.stop - part.start)
