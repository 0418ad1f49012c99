"""Dictionary terms in clinical text: the keywords that a report is generated from.

The extraction is the original Synth-FR's. Windows of a few tokens inside a sentence, not starting
or ending with a conjunction, preposition or determiner, without single stop words and numbers, are
matched with the dictionary by Jaccard similarity of character 3-grams; the longest match wins,
matches do not overlap. Two kinds of approximate matches never compete: those that only add words to
a better match of the same term, as they would take their neighbours' words ("hypertension
artérielle; HTA"), and those that cut into a term that stands there exactly. Each distinct window is
looked up once for a whole corpus.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from synthfr import icd10
from synthfr.icd10.names import Entry
from synthfr.keywords.context import contexts_of
from synthfr.keywords.matching import Match
from synthfr.text.language_resources import language as resources
from synthfr.text.sentences import Sentence, split

if TYPE_CHECKING:
    from synthfr.keywords.approximate import JaccardIndex

_CHUNK_TEXTS = 1000  # whose words are held in memory together
_NUMBER = re.compile(r"[0-9]+")


class Lookups(NamedTuple):
    """How much work the index has done so far."""

    windows: int  # met in texts, repeats included
    distinct: int
    exact: int  # of the distinct ones: equal to a term
    approximate: int  # of the distinct ones: similar to a term


class _Found(NamedTuple):
    similarity: float
    form: str  # of the dictionary


class _Candidate(NamedTuple):
    window: str
    first: int  # words of the sentence, both included
    last: int
    found: _Found

    def rank(self) -> tuple[int, float, int]:
        return -len(self.window), -self.found.similarity, self.first

    def inside(self, other: _Candidate) -> bool:
        return other.first <= self.first and self.last <= other.last

    def overlaps(self, other: _Candidate) -> bool:
        return self.first <= other.last and other.first <= self.last


class NgramMatcher:
    """The terms of a dictionary, ready to be found.

    Args:
        entries: terms with their codes. Terms that are bare codes ("A87") are no labels and left
            out, as are those that are shorter than `min_chars` in normal form.
        threshold: smallest Jaccard similarity, in (0, 1].
        max_window_tokens: longest window.
        min_chars: shortest window and term, in characters of the normal form.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        threshold: float = 0.8,
        max_window_tokens: int = 5,
        min_chars: int = 3,
    ) -> None:
        self._entries = [entry for entry in entries if not icd10.is_code(entry.term)]
        self._threshold, self._min_chars = threshold, min_chars
        self._max_window_tokens = max_window_tokens
        self._dictionaries: dict[str, _Dictionary] = {}

    @property
    def lookups(self) -> Lookups:
        counts = [dictionary.lookups for dictionary in self._dictionaries.values()]
        return Lookups(*map(sum, zip(Lookups(0, 0, 0, 0), *counts, strict=True)))

    def work(self) -> dict[str, float]:
        """Windows met, and how the distinct ones were found."""
        return dict(self.lookups._asdict())

    def extract(self, texts: Sequence[str], language: str) -> list[list[Match]]:
        """See `synthfr.keywords.matching.Matcher`."""
        if language not in self._dictionaries:
            self._dictionaries[language] = _Dictionary(
                self._entries, language, self._threshold, self._max_window_tokens, self._min_chars
            )
        return self._dictionaries[language].extract(texts)


class _Dictionary:
    """The terms in the normal form of one language, and what was looked up so far."""

    def __init__(
        self,
        entries: Sequence[Entry],
        language: str,
        threshold: float,
        max_window_tokens: int,
        min_chars: int,
    ) -> None:
        self._language = resources(language)
        self._contexts = contexts_of(language)
        self._threshold, self._min_chars = threshold, min_chars
        self._max_window_tokens = max_window_tokens
        terms: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            form = self._language.normalise(entry.term)
            if len(form) >= min_chars:
                terms[form].append(entry)
        self._terms = dict(terms)
        self._forms = sorted(self._terms)
        self._similar: JaccardIndex | None = None  # made when the first window is not a term
        self._found: dict[str, _Found | None] = {}
        self._windows = 0

    @property
    def lookups(self) -> Lookups:
        found = [entry for entry in self._found.values() if entry]
        exact = sum(entry.similarity == 1 for entry in found)
        return Lookups(self._windows, len(self._found), exact, len(found) - exact)

    def extract(self, texts: Sequence[str]) -> list[list[Match]]:
        from tqdm import tqdm  # type: ignore[import-untyped]

        found: list[list[Match]] = []
        with tqdm(total=len(texts), desc="keywords", unit="report", disable=None) as progress:
            for start in range(0, len(texts), _CHUNK_TEXTS):
                chunk = texts[start : start + _CHUNK_TEXTS]
                found += self._extract_chunk(chunk)
                progress.update(len(chunk))
        return found

    def _extract_chunk(self, texts: Sequence[str]) -> list[list[Match]]:
        documents = list(split(texts, self._language.code))
        fresh: set[str] = set()
        for sentences in documents:
            for sentence in sentences:
                forms = [form for form, _, _ in self._window_forms(sentence)]
                self._windows += len(forms)
                fresh.update(forms)
        self._look_up(sorted(fresh - self._found.keys()))
        return [
            [match for sentence in sentences for match in self._matches(text, sentence)]
            for text, sentences in zip(texts, documents, strict=True)
        ]

    def _window_forms(self, sentence: Sentence) -> Iterator[tuple[str, int, int]]:
        """Normal form, first word and last word of every admissible window."""
        stop_words = self._language.stop_words
        form, words = sentence.form, sentence.words
        for first, word in enumerate(words):
            if word.is_function:
                continue
            begin = word.begin
            longest = min(first + self._max_window_tokens, len(words))
            for last in range(first, longest):
                if words[last].is_function:
                    continue
                window = form[begin : words[last].end]
                if len(window) >= self._min_chars and not (last == first and window in stop_words):
                    yield window, first, last

    def _look_up(self, windows: list[str]) -> None:
        """Remember the best term of every window, or that there is none."""
        unknown = []
        for form in windows:
            if form in self._terms:
                self._found[form] = _Found(1.0, form)
            else:
                self._found[form] = None
                unknown.append(form)
        if not unknown or not self._forms:
            return
        if self._similar is None:
            from synthfr.keywords.approximate import JaccardIndex

            self._similar = JaccardIndex(self._forms, self._threshold)
        for window, term, similarity in self._similar.matches(unknown):
            best = self._found[unknown[window]]
            # terms come in alphabetical order: of equally similar ones, the first stays
            if best is None or similarity > best.similarity:
                self._found[unknown[window]] = _Found(similarity, self._forms[term])

    def _matches(self, text: str, sentence: Sentence) -> Iterator[Match]:
        """The longest first claim their words; ties go to the more similar, then to the left."""
        candidates = [
            _Candidate(window, first, last, found)
            for window, first, last in self._window_forms(sentence)
            if (found := self._found[window])
        ]
        taken = [False] * len(sentence.words)
        kept = []
        for candidate in sorted(_sound(candidates), key=_Candidate.rank):
            first, last = candidate.first, candidate.last
            if not any(taken[first : last + 1]):
                taken[first : last + 1] = [True] * (last + 1 - first)
                kept.append((first, last, candidate.found.form))
        kept.sort()
        words = sentence.words
        spans = [(words[first].text_begin, words[last].text_end) for first, last, _ in kept]
        begin = words[0].text_begin
        told = self._contexts.of_sentence(
            text[begin : sentence.text_end], [(start - begin, end - begin) for start, end in spans]
        )
        for (_, last, form), (start, end), context in zip(kept, spans, told, strict=True):
            reach = words[last + 1].text_begin if last + 1 < len(words) else sentence.text_end
            yield Match(*self._entry(form, text[start:reach]), start, end, context)

    def _entry(self, form: str, surface: str) -> Entry:
        """Of terms that differ by their numbers only (diabetes "type 1", "type 2"): the text's one.

        The numbers of `surface`, the text up to the next word, must begin with those of the term;
        most of them win, then the lowest code.
        """
        entries = self._terms[form]
        if len(entries) == 1:
            return entries[0]
        numbers = _NUMBER.findall(surface)

        def rank(entry: Entry) -> tuple[bool, int, str, str]:
            own = _NUMBER.findall(entry.term)
            fits = numbers[: len(own)] == own
            return not fits, -len(own) if fits else len(own), entry.code, entry.term

        return min(entries, key=rank)


def _sound(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Without the approximate ones that hold a better match of their term or cut an exact one."""
    exact = [candidate for candidate in candidates if candidate.found.similarity == 1]
    return [
        wide
        for wide in candidates
        if wide.found.similarity == 1
        or not (
            any(label.overlaps(wide) and not label.inside(wide) for label in exact)
            or any(
                tight.found.form == wide.found.form
                and tight.found.similarity > wide.found.similarity
                and tight.inside(wide)
                for tight in candidates
            )
        )
    ]
