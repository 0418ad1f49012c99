"""Terms as clinicians write them: word by word, whatever the inflection, longest first.

A term stands in a text where its words follow each other, with nothing between them but blanks,
hyphens, apostrophes, brackets and the little words that terms may have or lack ("cancer de la
prostate", "cancer prostate"). Case, accents and inflection do not matter; one letter of a long word
may be wrong. Exact are: abbreviations (the same capitals: "FA", never "fa"), digits ("type 1",
"B12") and words under eight letters. An abbreviation behind a number is a unit ("22 RPM"), and
"anti-" makes a drug of a disease.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from synthfr import icd10
from synthfr.icd10.names import SOURCES, Entry
from synthfr.keywords.context import contexts_of
from synthfr.keywords.matching import Match
from synthfr.keywords.word_forms import Word, WordForms, is_abbreviation
from synthfr.text.language_resources import language as resources

_GAP = re.compile(r"[\s()\[\]«»\"'’`ʼ\-‐‑–/]{1,4}")
_AGAINST = "anti"


class _Span(NamedTuple):
    first: int  # words, both included
    last: int
    entry: Entry


class _Node:
    """The beginning of one or more terms."""

    __slots__ = ("entry", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.entry: Entry | None = None  # the term that ends here


class PhraseMatcher:
    """The terms of a dictionary, ready to be found.

    Args:
        entries: terms with their codes. Terms that are bare codes ("A87") are no names and left
            out, as are those shorter than `min_chars`.
        min_chars: shortest term, in letters and digits.
    """

    def __init__(self, entries: Sequence[Entry], min_chars: int = 2) -> None:
        self._entries = [
            entry
            for entry in sorted(entries, key=_preferred)
            if sum(map(str.isalnum, entry.term)) >= min_chars and not icd10.is_code(entry.term)
        ]
        self._dictionaries: dict[str, _Dictionary] = {}

    def extract(self, texts: Sequence[str], language: str) -> list[list[Match]]:
        """See `synthfr.keywords.matching.Matcher`."""
        from tqdm import tqdm  # type: ignore[import-untyped]

        if language not in self._dictionaries:
            self._dictionaries[language] = _Dictionary(self._entries, language)
        dictionary = self._dictionaries[language]
        contexts = contexts_of(language)
        found = []
        for text in tqdm(texts, desc="keywords", unit="report", disable=None):
            spans, words = dictionary.spans(text)
            places = [(words[span.first].begin, words[span.last].end) for span in spans]
            told = contexts.of_text(text, places)
            found.append(
                [
                    Match(*span.entry, start, end, context)
                    for span, (start, end), context in zip(spans, places, told, strict=True)
                ]
            )
        return found

    def work(self) -> dict[str, float]:
        """Words and terms that the matcher knows, and how many distinct words were misspelt."""
        known = self._dictionaries.values()
        return {
            "terms": sum(one.size for one in known),
            "misspelt": sum(len(one.forms.corrected) for one in known),
        }


class _Dictionary:
    """The terms by their words, in the forms of one language."""

    def __init__(self, entries: Sequence[Entry], language: str) -> None:
        known = resources(language)
        self.forms = WordForms(known.inflection, known.normalise)
        self._stop_words = known.stop_words
        self._root = _Node()
        self.size = 0
        for entry in entries:
            self._add(entry)
        self.forms.learn(_forms(self._root))

    def _add(self, entry: Entry) -> None:
        words = self.forms.words(entry.term)
        alone = len(words) == 1
        # in a term all in capitals ("CHOLERA ASIATIQUE") words are no abbreviations
        shouted = entry.term.isupper() and not (alone and is_abbreviation(entry.term))
        path = [
            word.form if shouted or not word.abbreviation else _capitals(word) for word in words
        ]
        path = [form for form in path if form]
        if not path or (alone and path[0] in self._stop_words) or all(map(str.isdigit, path)):
            return
        node = self._root
        for form in path:
            node = node.next.setdefault(form, _Node())
        if node.entry is None:
            node.entry = entry
            self.size += 1

    def spans(self, text: str) -> tuple[list[_Span], list[Word]]:
        """The matches, longest first where they overlap, in the order of the text."""
        words = self.forms.words(text)
        root = self._root.next
        found = [
            span
            for first, word in enumerate(words)
            if (word.form in root or (word.abbreviation and _capitals(word) in root))
            and not (first and words[first - 1].form == _AGAINST)
            for span in self._from(text, words, first)
        ]
        if len(found) > 1:
            found.sort(
                key=lambda span: (words[span.first].begin - words[span.last].end, span.first)
            )
        taken = [False] * len(words)
        kept = []
        for span in found:
            here = slice(span.first, span.last + 1)
            if not any(taken[here]):
                taken[here] = [True] * (span.last + 1 - span.first)
                kept.append(span)
        kept.sort()
        return kept, words

    def _from(self, text: str, words: Sequence[Word], first: int) -> Iterator[_Span]:
        """Every term that begins with the word `first`."""
        nodes = [self._root]
        for at in range(first, len(words)):
            word = words[at]
            if at > first and not _follows(text, words[at - 1], word):
                return
            forms = (word.form, _capitals(word)) if word.abbreviation else (word.form,)
            further = [node.next[form] for node in nodes for form in forms if form in node.next]
            nodes = [*further, *nodes] if not word.form and at > first else further
            if not nodes:
                return
            for node in further:
                if node.entry and not (
                    at == first and word.abbreviation and _is_unit(text, words, at)
                ):
                    yield _Span(first, at, node.entry)


def _forms(node: _Node) -> Iterator[str]:
    for form, child in node.next.items():
        yield form
        yield from _forms(child)


def _preferred(entry: Entry) -> tuple[int, int, str, str]:
    return SOURCES.index(entry.source), len(entry.code), entry.code, entry.term


def _capitals(word: Word) -> str:
    return f"={word.abbreviation}"


def _follows(text: str, word: Word, after: Word) -> bool:
    gap = text[word.end : after.begin]
    # a line may have been wrapped; an empty one ends a paragraph
    return gap == " " or (_GAP.fullmatch(gap) is not None and gap.count("\n") < 2)


def _is_unit(text: str, words: Sequence[Word], at: int) -> bool:
    """Whether the word stands behind a number, as a unit does."""
    return at > 0 and words[at - 1].form.isdigit() and _follows(text, words[at - 1], words[at])
