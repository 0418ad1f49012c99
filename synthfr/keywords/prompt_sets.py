"""How far the whole keyword set of a prompt tells its document from all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

Figures = dict[str, float | None]


def prompt_sets(
    documents: Sequence[Sequence[str]], min_documents: int
) -> dict[str, float | Figures | None]:
    """Of the documents that have a prompt: the share whose set of terms no other one has, whose
    list of terms (their order counts) none has, and that have a pair of terms found nowhere else;
    and how many terms they have: ``size_shares``, by number, ``other`` where a number is that of
    few documents.

    A share that would rest on fewer than `min_documents` documents, and on more than none, is None.
    """
    kept = [list(own) for own in documents if own]
    sets = Counter(frozenset(own) for own in kept)
    lists = Counter(map(tuple, kept))
    pairs = Counter(pair for own in kept for pair in _pairs(own))

    def share(count: int) -> float | None:
        return count / max(len(kept), 1) if count == 0 or count >= min_documents else None

    return {
        "unique_share": share(sum(sets[frozenset(own)] == 1 for own in kept)),
        "unique_in_order_share": share(sum(lists[tuple(own)] == 1 for own in kept)),
        "unique_pair_share": share(
            sum(any(pairs[pair] == 1 for pair in _pairs(own)) for own in kept)
        ),
        "size_shares": _sizes(kept, min_documents),
    }


def _pairs(own: Sequence[str]) -> list[tuple[str, str]]:
    return list(combinations(sorted(set(own)), 2))


def _sizes(kept: Sequence[Sequence[str]], min_documents: int) -> Figures:
    """By number of terms; the smallest ones are put together until they are not few."""
    counts = Counter(len(set(own)) for own in kept)
    other = 0
    for size in sorted(counts, key=lambda size: (counts[size], -size)):
        if counts[size] >= min_documents and (other == 0 or other >= min_documents):
            break
        other += counts.pop(size)
    shown = {str(size): counts[size] for size in sorted(counts)}
    if other:
        shown["other"] = other
    return {size: count / len(kept) for size, count in shown.items()}
