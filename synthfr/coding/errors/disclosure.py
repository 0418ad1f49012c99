"""Which classes of documents may be counted where all can see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

K = TypeVar("K")


def told(documents: Mapping[K, int], min_documents: int) -> set[K]:
    """The classes, of those that make up a known total, whose figures may be told.

    Args:
        documents: class -> how many documents are in it.
        min_documents: a class with fewer is not told. Where the classes that are not told hold, all
            together, 1 to `min_documents` - 1 documents, the total less the others would still tell
            them: the smallest of the others is held back too, until that is over.
    """
    shown = {name for name, count in documents.items() if count >= min_documents}
    while (
        shown
        and 0 < sum(count for name, count in documents.items() if name not in shown) < min_documents
    ):
        shown.remove(min(shown, key=lambda name: (documents[name], str(name))))
    return shown
