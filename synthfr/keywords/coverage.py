"""How far the dictionary reaches on either side, in numbers and in a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from synthfr.icd10.coverage import coverage
from synthfr.icd10.names import SOURCES
from synthfr.keywords.report_terms import ReportTerms
from synthfr.text.language_resources import CONTEXTS

if TYPE_CHECKING:
    import pandas as pd

FEW_SETS = 0.5  # share of documents whose whole code set leaves; below, imitating them is narrow


def counts_of(
    found: ReportTerms, n_kept: int, codes: Iterable[Sequence[str]], listed: Iterable[str]
) -> dict[str, float]:
    """Figures of one side, for the metrics.

    Args:
        found: what its reports name.
        n_kept: reports that have a prompt.
        codes: of each report.
        listed: codes of the code list.
    """
    known = coverage(codes, listed)
    occurrences = max(known.occurrences, 1)
    documents = len(found.keywords)
    n_matches = max(sum(found.sources.values()), 1)
    return {
        "documents": documents,
        "kept": n_kept,
        "without_prompt_share": (documents - n_kept) / max(documents, 1),
        "without_keyword_share": sum(not own for own in found.keywords) / max(documents, 1),
        "keywords_found_per_document": sum(map(len, found.keywords)) / max(documents, 1),
        **{f"{source}_share": found.sources[source] / n_matches for source in SOURCES},
        **{f"{context}_share": found.contexts[context] / n_matches for context in CONTEXTS},
        "codes_widened_share": known.wider_known / occurrences,
        "codes_unknown_share": (known.occurrences - known.known - known.wider_known) / occurrences,
    }


def summary(counts: Mapping[str, Mapping[str, float]]) -> str:
    """One line for the terminal: how far the dictionary reaches on either side."""
    return "; ".join(
        f"{side}: {own['keywords_found_per_document']:.1f} keywords a document, "
        f"{own['without_keyword_share']:.1%} without, {own['without_prompt_share']:.1%} without a "
        f"prompt, {own['codes_widened_share']:.1%} of codes counted as a wider one, "
        f"{own['codes_unknown_share']:.1%} not in the list"
        for side in ("public", "private")
        for own in (counts[side],)
    )


def sets_share(sets: pd.DataFrame, released: Iterable[Sequence[str]]) -> float:
    """Share of the documents with codes whose whole code set is exported.

    Args:
        sets: CODE_SETS.
        released: each document's codes as far as they may leave.
    """
    n_documents = int(sets.loc[sets["kind"] == "set", "n_documents"].sum())
    return n_documents / max(sum(bool(codes) for codes in released), 1)


def few_sets(share: float) -> Iterator[str]:
    """Tell that exported whole sets stand for a small part of the documents."""
    if share < FEW_SETS:
        yield (
            f"the whole code sets that leave are those of {share:.1%} of the private documents: a "
            "data set that imitates them knows no others; lower keywords.min_documents, or set "
            "synthesize.code_sets to cooccurrence."
        )
