"""Which codes a coder must assign: categories, label spaces, and label matrices.

A label space is a ranked list of ICD-10 categories (``E11``), the most frequent first; the first k
of it are "top k".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from synthfr import icd10
from synthfr.coding.metrics import Bools

if TYPE_CHECKING:
    import pandas as pd

Categories = tuple[str, ...]


def categories(codes: Iterable[Sequence[str]]) -> list[Categories]:
    """Each document's codes cut to categories, without repeats, in the document's own order."""
    return [tuple(dict.fromkeys(icd10.category(code) for code in document)) for document in codes]


def exported_space(code_sets: pd.DataFrame) -> list[str]:
    """The label space that all steps share: the private corpus's categories, ranked, as far as they
    were exported.

    Read from the CODE_SETS table, so it is public, holds only codes that enough private documents
    have, and knows nothing of the holdout or of any step. A document with two codes of one category
    counts twice in the ranking.
    """
    counts = exported_counts(code_sets)
    return sorted(counts, key=lambda category: (-counts[category], category))


def exported_counts(code_sets: pd.DataFrame) -> dict[str, int]:
    """Private training documents of each category of `exported_space`: those of its codes, added
    up. All of them were exported, so they may leave.
    """
    counts: Counter[str] = Counter()
    single = code_sets[code_sets["kind"] == "code"]
    for (code,), n_documents in zip(single["codes"], single["n_documents"], strict=True):
        counts[icd10.category(code)] += int(n_documents)
    return dict(counts)


def most_frequent(
    documents: Iterable[Categories], top_k: int, among: Collection[str] | None = None
) -> list[str]:
    """`icd10.label_space` of documents whose codes are cut to categories already; `among`: of these
    categories alone.
    """
    counts = Counter(chain.from_iterable(documents))
    if among is not None:
        allowed = set(among)
        counts = Counter({one: n for one, n in counts.items() if one in allowed})
    return sorted(counts, key=lambda category: (-counts[category], category))[:top_k]


def matrix(documents: Sequence[Categories], space: Sequence[str]) -> Bools:
    """Label matrix, shape (n_documents, len(space)); categories outside the space are ignored."""
    column = {category: index for index, category in enumerate(space)}
    labels = np.zeros((len(documents), len(space)), dtype=np.bool_)
    for row, document in enumerate(documents):
        labels[row, [column[category] for category in document if category in column]] = True
    return labels


def capped(
    documents: Sequence[Categories], space: Sequence[str], max_labels: int
) -> list[Categories]:
    """Each document's categories inside the space, only the first `max_labels` of them (the
    original's rule).
    """
    known = set(space)
    return [
        tuple(category for category in document if category in known)[:max_labels]
        for document in documents
    ]
