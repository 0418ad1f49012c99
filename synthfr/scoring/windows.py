"""Overlapping windows of a text, cut at token borders without changing a character."""

from __future__ import annotations

from collections.abc import Sequence


def cut(
    text: str, tokens: Sequence[tuple[int, int]], window_tokens: int, stride_tokens: int
) -> list[str]:
    """Windows of `window_tokens` tokens, each starting `stride_tokens` after the one before.

    `tokens` are (start, end) character positions in order. The last window ends with the text and
    may be shorter, but is longer than window - stride tokens. A text of one window or less is
    returned whole.
    """
    if len(tokens) <= window_tokens:
        return [text]
    found = []
    for start in range(0, len(tokens) - window_tokens + stride_tokens, stride_tokens):
        inside = tokens[start : start + window_tokens]
        found.append(text[inside[0][0] : inside[-1][1]])
    return found
