"""k-anonymity of whole prompts: each set of keywords that leaves is that of several patients.

`disclosure` sees to it that each keyword alone is common; their combination may still be one
patient's alone. Here sets are made coarser until none is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from synthfr import icd10
from synthfr.keywords.disclosure import shared
from synthfr.keywords.report_terms import Keyword

Terms = list[str]


def anonymous_sets(
    documents: Sequence[Sequence[str]],
    patients: Sequence[str],
    languages: Sequence[str],
    min_set_documents: int,
    min_documents: int,
    ladder: Ladder,
) -> list[Terms]:
    """Each document's terms, coarser or fewer, so that every set (in a language) is that of
    documents of at least `min_set_documents` patients, and every term of `min_documents`. A
    document of which nothing is left has an empty list: no prompt. With 1 nothing changes.

    Greedy. As long as too few patients have a document's set, it gives up something, one term a
    pass, always its rarest one (ties: the last in the alphabet), and sets are counted anew:

    1. terms take the usual name of their code, which loses a wording and no fact (so do terms that
       too few patients are left with);
    2. then, of the documents with the most terms, one takes the name of the next wider code that
       the list has, or is dropped where there is none, or the document names that already.

    Longest sets come first, because what has become shorter joins sets that were as short before,
    and these may then stay as they are. It ends: each pass gives up a term of some document, and
    none comes back. Equal sets are written in one order, that of most of their documents: the order
    of the terms would tell them apart as well.

    Args:
        documents: each document's terms, in the order of its prompt.
        patients: whom each document is about.
        languages: of each document; prompts of different languages are never alike.
    """
    if min_set_documents == 1:
        return [list(own) for own in documents]
    kept = [_Coarsened(own, one, ladder) for own, one in zip(documents, languages, strict=True)]
    while True:
        terms = [one.terms for one in kept]
        rare = _rare(terms, patients, languages, min_set_documents)
        if not rare:
            common = shared(terms, patients, min_documents)
            if all(common.issuperset(own) for own in terms):
                return _in_one_order(terms, languages)
            for one in kept:
                one.without_rare(common)
            continue
        pairs = {(one, term) for one, own in zip(patients, terms, strict=True) for term in own}
        holders = Counter(term for _, term in pairs)
        # all of them: no document is spared a new name by another one's
        if any([kept[row].renamed(holders) for row in rare]):
            continue
        longest = max(len(terms[row]) for row in rare)
        for row in rare:
            if len(terms[row]) == longest:
                kept[row].shorten(holders)


@dataclass(frozen=True)
class Ladder:
    """What a term may become, by (term, language): `usual`: the name that most documents use for
    its code, where they use another one; `wider`: the first name of the next wider code that is in
    the list.
    """

    usual: Mapping[tuple[str, str], str]
    wider: Mapping[tuple[str, str], str]

    @classmethod
    def of(
        cls,
        documents: Sequence[Collection[Keyword]],
        languages: Sequence[str],
        names: Mapping[str, Mapping[str, Sequence[str]]],
    ) -> Ladder:
        """From the keywords of each document, and, by language, each listed code's names. A term
        that says that something is denied or feared has no other name.
        """
        counts = Counter(
            (language, word.code, word.term)
            for own, language in zip(documents, languages, strict=True)
            for word in own
            if not word.marked
        )
        usual: dict[tuple[str, str], str] = {}
        wider: dict[tuple[str, str], str] = {}
        most: dict[tuple[str, str], str] = {}
        for language, code, term in sorted(counts, key=lambda one: (-counts[one], one)):
            name = most.setdefault((language, code), term)
            if name != term:
                usual.setdefault((term, language), name)
            known, above = names[language], code
            while (term, language) not in wider:
                up = icd10.nearest(icd10.broader(above), known)
                if up is None:
                    break
                wider[term, language] = known[up][0]
                term, above = known[up][0], up
        return cls(usual, wider)


def _rare(
    terms: Sequence[Terms], patients: Sequence[str], languages: Sequence[str], least: int
) -> list[int]:
    """Documents with terms whose set too few patients have."""
    sets = [[(frozenset(own), one)] for own, one in zip(terms, languages, strict=True)]
    enough = shared(sets, patients, least)
    return [row for row, own in enumerate(sets) if terms[row] and own[0] not in enough]


class _Coarsened:
    """One document's terms as they become coarser; a term that was given up never comes back."""

    def __init__(self, terms: Sequence[str], language: str, ladder: Ladder) -> None:
        self.terms: Terms = list(dict.fromkeys(terms))
        self._language, self._ladder = language, ladder
        self._gone: set[str] = set()

    def renamed(self, holders: Mapping[str, int]) -> bool:
        """Give the rarest term that is not the usual name of its code that name; False: all are."""
        other = [term for term in self.terms if self._usual(term)]
        if other:
            rarest = _rarest(other, holders)
            self._become(rarest, self._usual(rarest))
        return bool(other)

    def shorten(self, holders: Mapping[str, int]) -> None:
        """Widen the rarest term, or drop it."""
        rarest = _rarest(self.terms, holders)
        self._become(rarest, self._ladder.wider.get((rarest, self._language)))

    def without_rare(self, common: Collection[str]) -> None:
        """Rename, else widen, else drop each term that is not `common`."""
        for term in [term for term in self.terms if term not in common]:
            self._become(term, self._usual(term) or self._ladder.wider.get((term, self._language)))

    def _usual(self, term: str) -> str | None:
        return self._ladder.usual.get((term, self._language))

    def _become(self, term: str, name: str | None) -> None:
        self._gone.add(term)
        place = self.terms.index(term)
        free = name is not None and name not in self.terms and name not in self._gone
        self.terms = [
            *self.terms[:place],
            *([name] if free and name is not None else []),
            *self.terms[place + 1 :],
        ]


def _rarest(terms: Sequence[str], holders: Mapping[str, int]) -> str:
    return min(sorted(terms, reverse=True), key=lambda term: holders[term])


def _in_one_order(documents: Sequence[Terms], languages: Sequence[str]) -> list[Terms]:
    orders: dict[tuple[frozenset[str], str], Counter[tuple[str, ...]]] = {}
    keys = [(frozenset(own), language) for own, language in zip(documents, languages, strict=True)]
    for key, own in zip(keys, documents, strict=True):
        orders.setdefault(key, Counter())[tuple(own)] += 1
    usual = {
        key: min(counts, key=lambda order: (-counts[order], order))
        for key, counts in orders.items()
    }
    return [list(usual[key]) for key in keys]
