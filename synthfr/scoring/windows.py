"""Overlapping windows of a text, cut at token borders without changing a character."""

from __future__ import annotations

from collections.abc import Sequence


def cut(
    text: str,
    tokens: Sequence[tuple[int, int]],
    window_tokens: int,
    stride_tokens: int,
    within_tokens: int | None = None,
) -> list[str]:
    """Windows of `window_tokens` tokens, each starting `stride_tokens` after the one before.

    `tokens` are (start, end) character positions in order; windows lie within the first
    `within_tokens` of them (None: all), a number of at least `window_tokens`. The last window ends
    where these end and may be shorter, but is longer than window - stride tokens. A text of one
    window or less is returned whole.
    """
    if len(tokens) <= window_tokens:
        return [text]
    seen = tokens[:within_tokens]
    found = []
    for start in range(0, len(seen) - window_tokens + stride_tokens, stride_tokens):
        inside = seen[start : start + window_tokens]
        found.append(text[inside[0][0] : inside[-1][1]])
    return found
