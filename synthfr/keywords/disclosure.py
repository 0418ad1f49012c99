"""What may leave the private side: only what enough patients share.

Each exported keyword, code, code pair and whole code set is seen in at least `min_documents`
documents of as many different patients (several stays of one patient hide nobody). That holds for
every one of them, not for the combination of keywords in one prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, TypeVar

from synthfr import icd10

if TYPE_CHECKING:
    import pandas as pd

_MAX_SIZE = 127  # the table's int8

Item = TypeVar("Item", bound=Hashable)


def shared(
    documents: Iterable[Collection[Item]], patients: Iterable[str], min_documents: int
) -> set[Item]:
    """The items that documents of at least `min_documents` different patients have."""
    holders = {
        (patient, item)
        for document, patient in zip(documents, patients, strict=True)
        for item in document
    }
    counts = Counter(item for _, item in holders)
    return {item for item, count in counts.items() if count >= min_documents}


def shared_codes(
    documents: Sequence[Sequence[str]],
    patients: Sequence[str],
    known: Collection[str],
    min_documents: int,
) -> list[list[str]]:
    """Each document's codes as far as they may leave, in its own order, without repeats.

    A code that is not `known` (has no label) or that too few patients have is replaced by the next
    wider one, up to its category; what is then still rare or unknown is left out.
    """
    widened = [_distinct(icd10.nearest(code, known) for code in codes) for codes in documents]
    while rare := {code for codes in widened for code in codes if icd10.broader(code)} - shared(
        widened, patients, min_documents
    ):
        widened = [
            _distinct(
                icd10.nearest(icd10.broader(code), known) if code in rare else code
                for code in codes
            )
            for codes in widened
        ]
    kept = shared(widened, patients, min_documents)
    return [[code for code in codes if code in kept] for codes in widened]


def code_sets(
    released: Sequence[Sequence[str]],
    patients: Sequence[str],
    min_documents: int,
    whole_of: Sequence[Sequence[str]] | None = None,
) -> pd.DataFrame:
    """CODE_SETS: how many documents have so many codes, each code, and each pair of codes.

    With `whole_of` also each whole set: the principal code, then its associated ones, sorted. A
    document whose principal may not leave has none: another code would pass for its principal.

    Args:
        released: each document's codes as `shared_codes` lets them leave.
        patients: whom each document is about.
        min_documents: documents of so many patients have each row.
        whole_of: each document's own codes, the principal first.
    """
    import pandas as pd

    # (kind, codes, size) of everything that a document counts for
    entries = [
        [
            ("size", (), min(len(codes), _MAX_SIZE)),
            *(("code", (code,), 1) for code in codes),
            *(("pair", pair, 2) for pair in combinations(sorted(codes), 2)),
        ]
        if codes
        else []
        for codes in released
    ]
    for row, own in enumerate(whole_of or ()):
        codes = released[row]
        # what leaves is the code itself or a wider one, with which the code begins
        if codes and own[0].startswith(codes[0]):
            whole = (codes[0], *sorted(codes[1:]))
            entries[row].append(("set", whole, min(len(codes), _MAX_SIZE)))
    kept = shared(entries, patients, min_documents)
    counts = Counter(entry for document in entries for entry in document if entry in kept)
    kinds = ("size", "code", "pair", "set")
    order = sorted(counts, key=lambda entry: (kinds.index(entry[0]), entry[1:]))
    return pd.DataFrame(
        [(kind, list(codes), size, counts[kind, codes, size]) for kind, codes, size in order],
        columns=["kind", "codes", "size", "n_documents"],
    )


def _distinct(codes: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(code for code in codes if code is not None))
