"""From the attention of tokens to the words behind a code.

A model's tokens are pieces of words, and some are no text at all; a reader wants words. Attention
tells where a coder looked, and is no proof of why it decided so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(r"\S+")  # as `text.tokens.words` has it


class Evidence(NamedTuple):
    """A word of a text, as ``text[start:end]``, and its share of the attention."""

    start: int
    end: int
    weight: float


def words_behind(
    text: str, offsets: Sequence[tuple[int, int]], attention: Sequence[float]
) -> list[Evidence]:
    """The words of a text, in their order, with the attention of their tokens summed.

    Args:
        text: what the tokens are of.
        offsets: each token's characters, ``text[start:end]``; (0, 0) for one that is no text.
        attention: each token's weight, of the same length.

    A word is what stands between white space. A token over several words is shared among them by
    characters. What lies on special tokens or on white space belongs to no word, so that the
    weights sum to the whole attention at most; a word behind a model's limit has 0.
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    weights = [0.0] * len(spans)
    first = 0
    for (start, end), weight in sorted(zip(offsets, attention, strict=True)):
        while first < len(spans) and spans[first][1] <= start:
            first += 1
        shared: dict[int, int] = {}
        at = first
        while at < len(spans) and spans[at][0] < end:
            shared[at] = min(end, spans[at][1]) - max(start, spans[at][0])
            at += 1
        for word, characters in shared.items():
            weights[word] += float(weight) * characters / sum(shared.values())
    return [Evidence(*span, weight) for span, weight in zip(spans, weights, strict=True)]
