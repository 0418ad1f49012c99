"""What may leave the private side: only what enough private documents share.

Each exported keyword, code and code pair is seen in at least `min_documents` documents. That holds
for every one of them, not for their combination in one prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from synthfr import icd10

if TYPE_CHECKING:
    import pandas as pd

_MAX_SIZE = 127  # the table's int8


def shared(documents: Iterable[Collection[str]], min_documents: int) -> set[str]:
    """The items that at least `min_documents` of the documents have."""
    counts = Counter(item for document in documents for item in set(document))
    return {item for item, count in counts.items() if count >= min_documents}


def shared_codes(
    documents: Sequence[Sequence[str]], known: Collection[str], min_documents: int
) -> list[list[str]]:
    """Each document's codes as far as they may leave, in its own order, without repeats.

    A code that is not `known` (has no label) or that too few documents have is replaced by the next
    wider one, up to its category; what is then still rare or unknown is left out.
    """
    widened = [_distinct(_nearest(code, known) for code in codes) for codes in documents]
    while rare := {code for codes in widened for code in codes if icd10.broader(code)} - shared(
        widened, min_documents
    ):
        widened = [
            _distinct(
                _nearest(icd10.broader(code), known) if code in rare else code for code in codes
            )
            for codes in widened
        ]
    kept = shared(widened, min_documents)
    return [[code for code in codes if code in kept] for codes in widened]


def code_sets(documents: Sequence[Sequence[str]], min_documents: int) -> pd.DataFrame:
    """CODE_SETS: how many documents have so many codes, each code, and each pair of codes."""
    import pandas as pd

    sizes = Counter(min(len(codes), _MAX_SIZE) for codes in documents if codes)
    codes = Counter(code for document in documents for code in document)
    pairs = Counter(pair for document in documents for pair in combinations(sorted(document), 2))
    rows = [
        *(("size", [], size, count) for size, count in sorted(sizes.items())),
        *(("code", [code], 1, count) for code, count in sorted(codes.items())),
        *(("pair", list(pair), 2, count) for pair, count in sorted(pairs.items())),
    ]
    return pd.DataFrame(
        [row for row in rows if row[-1] >= min_documents],
        columns=["kind", "codes", "size", "n_documents"],
    )


def _nearest(code: str | None, known: Collection[str]) -> str | None:
    """The code itself or the narrowest wider one that is known."""
    while code is not None and code not in known:
        code = icd10.broader(code)
    return code


def _distinct(codes: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(code for code in codes if code is not None))
