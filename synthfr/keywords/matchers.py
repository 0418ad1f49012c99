"""The choice between the matchers."""

from __future__ import annotations

from collections.abc import Sequence

from synthfr.icd10.names import Entry
from synthfr.keywords.matching import Matcher, Matching


def open_matcher(entries: Sequence[Entry], params: Matching) -> Matcher:
    """The matcher that the parameters name, over the terms of a code list."""
    if params.matcher == "ngrams":
        from synthfr.keywords.ngram_matcher import NgramMatcher

        ngrams = params.ngrams
        return NgramMatcher(entries, ngrams.threshold, ngrams.max_window_tokens, params.min_chars)
    from synthfr.keywords.phrase_matcher import PhraseMatcher

    return PhraseMatcher(entries, params.min_chars)
