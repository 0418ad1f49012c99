"""What a matcher finds in a text, and the parameters of the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field

from synthfr.section import Count, Section


class Match(NamedTuple):
    term: str  # the dictionary's own spelling, never the text's
    code: str
    source: str  # of the term
    start: int  # offsets in the text
    end: int
    contexts: frozenset[str] = frozenset()  # of `synthfr.keywords.context`, e.g. "negated"


class Matcher(Protocol):
    """Finds terms in texts; terms and texts are in one language."""

    def extract(self, texts: Sequence[str], language: str) -> list[list[Match]]:
        """The matches of each text, in the order of their place in it; they do not overlap.

        Raises:
            UserError: if there are no resources for the language.
        """

    def work(self) -> dict[str, float]:
        """What the matcher has done so far, for the metrics."""


class Ngrams(Section):
    """Parameters `keywords.ngrams`: see the comments in params.yaml."""

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    max_window_tokens: Annotated[int, Field(ge=1, le=20)] = 5


class Matching(Section):
    """The parameters of `keywords` that the search for terms takes."""

    matcher: Literal["phrases", "ngrams"] = "phrases"
    ngrams: Ngrams = Ngrams()
    min_chars: Count = 2
