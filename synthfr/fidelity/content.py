"""What a report holds, as numbers and kinds that corpora are compared in: sections, codes, words,
numbers, what is denied.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from functools import cache, lru_cache
from itertools import combinations

from synthfr import icd10
from synthfr.keywords.context import CueRules
from synthfr.text.language_resources import language as resources
from synthfr.text.tokens import alphanumeric_words, words

_MOST_HEADING_WORDS = 6
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s)|\n")


def headings(text: str, language: str) -> list[str]:
    """Section headings in normal form: what stands at the start of a line before a colon, if it
    has at most six words and no digit, and lines that hold nothing but a heading which the
    language's file lists.
    """
    known = resources(language)
    found = []
    for line in text.splitlines():
        head, colon, _ = line.partition(":")
        name = known.normalise(head)
        short = len(words(head)) <= _MOST_HEADING_WORDS and not any(map(str.isdigit, head))
        if name and ((colon and short) or name in known.headings):
            found.append(name)
    return found


def codes(own: Sequence[str]) -> list[str]:
    """The report's ICD-10 categories, without repeats, sorted: corpora may be coded more or less
    finely.
    """
    return sorted({icd10.category(code) for code in own})


def code_pairs(own: Sequence[str]) -> list[Hashable]:
    """Unordered pairs of categories that a report carries together."""
    return list(combinations(codes(own), 2))


def unigrams(text: str) -> list[str]:
    """Words and numbers in lower case."""
    return alphanumeric_words(text)


def numbers_per_100_words(text: str) -> float:
    """Numbers (``9.8``, ``1,5`` and ``14/9`` are one, one and two) per 100 words."""
    return 100 * len(_NUMBER.findall(text)) / max(1, len(words(text)))


def has_negation(language: str) -> bool:
    """Whether the language's file has cues of negation."""
    return "negated" in resources(language).contexts


def negated_share(text: str, language: str) -> float:
    """Share of a report's content words that are `denied`; 0 for a text without content words."""
    reached = [one for _, one in denied(text, language)]
    return sum(reached) / len(reached) if reached else 0.0


def denied(text: str, language: str) -> list[tuple[tuple[int, int], bool]]:
    """Place (offsets) of each content word, and whether a cue of negation reaches it, by the rule
    that keywords are marked with (`keywords.context`). Function words, stop words and the cues' own
    words are no content.
    """
    rules = _rules(language)
    found: list[tuple[tuple[int, int], bool]] = []
    begin = 0
    for end in [*(mark.end() for mark in _SENTENCE_END.finditer(text)), len(text)]:
        sentence = text[begin:end]
        spans = [word.span() for word in _WORD.finditer(sentence) if _is_content(word[0], language)]
        places = [(begin + start, begin + stop) for start, stop in spans]
        found += zip(places, rules.govern(sentence, spans), strict=True)
        begin = end
    return found


@lru_cache(maxsize=1 << 17)
def _is_content(word: str, language: str) -> bool:
    known = resources(language)
    form = known.normalise(word)
    return len(word) > 1 and form not in known.stop_words and form not in _cue_words(language)


@cache
def _rules(language: str) -> CueRules:
    known = resources(language)
    return CueRules(known.contexts["negated"], known.keep_accents)


@cache
def _cue_words(language: str) -> frozenset[str]:
    known = resources(language)
    cues = known.contexts["negated"]
    phrases = (
        *(*cues.preceding_open, *cues.preceding, *cues.adjacent, *cues.following),
        *(*cues.bidirectional, *cues.pseudo, *cues.termination),
    )
    return frozenset(known.normalise(word) for phrase in phrases for word in _WORD.findall(phrase))
