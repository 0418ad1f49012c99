"""Which terms of a report its prompt holds, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from synthfr import icd10, seeding
from synthfr.keywords.report_terms import Keyword

Order = Literal["codes", "longest"]


def complete(
    keywords: Sequence[Keyword],
    codes: Sequence[str],
    synonyms: Mapping[str, Sequence[str]],
    random_seed: int,
    report_id: str,
) -> list[Keyword]:
    """The keywords, and one random synonym of each of the report's codes that none of them names.

    A keyword names a code if its own code is the same, or part of it, or the other way round.
    """
    added = []
    for code in codes:
        if code in synonyms and not any(_names(keyword, code) for keyword in keywords):
            rng = seeding.rng(random_seed, "synonym", report_id, code)
            added.append(Keyword(synonyms[code][int(rng.integers(len(synonyms[code])))], code))
    return [*keywords, *added]


def ordered(keywords: Sequence[Keyword], codes: Sequence[str], order: Order) -> list[str]:
    """Distinct terms. By `codes`: first those that name the report's codes, in their order, then
    the others, in that of the text.
    """

    def place(keyword: Keyword) -> int:
        places = (at for at, code in enumerate(codes) if _names(keyword, code))
        return next(places, len(codes))

    return arranged((keyword.term for keyword in sorted(keywords, key=place)), order)


def arranged(terms: Iterable[str], order: Order) -> list[str]:
    """The distinct ones among terms in the order of codes; ``longest``: most characters first,
    equally long ones as text is sorted.
    """
    distinct = dict.fromkeys(terms)
    if order == "longest":
        return sorted(distinct, key=lambda term: (-len(term), term))
    return list(distinct)


def as_many(terms: list[str], sizes: Sequence[int], random_seed: int, report_id: str) -> list[str]:
    """Some of the terms, in their order: as many as a random private prompt has, of `sizes`."""
    rng = seeding.rng(random_seed, "training terms", report_id)
    wanted = min(sizes[int(rng.integers(len(sizes)))], len(terms))
    return [terms[at] for at in sorted(rng.permutation(len(terms))[:wanted])]


def _names(keyword: Keyword, code: str) -> bool:
    return not keyword.marked and icd10.related(keyword.code, code)
