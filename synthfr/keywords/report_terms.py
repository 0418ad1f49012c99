"""What each report names: the matches in its text, each treated by its context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from synthfr.errors import UserError
from synthfr.keywords.matching import Match, Matcher
from synthfr.section import Section
from synthfr.text.language_resources import CONTEXTS
from synthfr.text.language_resources import language as resources
from synthfr.text.term_form import Form, written

if TYPE_CHECKING:
    import pandas as pd

Treatment = Literal["skip", "keep", "mark"]


class ContextTreatment(Section):
    """Parameters `keywords.context`: see the comments in params.yaml."""

    negated: Treatment = "skip"
    hypothetical: Treatment = "skip"
    family: Treatment = "skip"
    history: Treatment = "keep"


class Keyword(NamedTuple):
    term: str
    code: str
    marked: bool = False  # the term says that the condition is denied, feared, or another's


@dataclass(frozen=True)
class ReportTerms:
    """What the reports of one side name."""

    keywords: list[list[Keyword]]  # of each report: distinct, in the order of the text
    sources: Counter[str]  # matches by where their term comes from
    contexts: Counter[str]  # matches by their context


def report_terms(
    reports: pd.DataFrame, matcher: Matcher, treatment: ContextTreatment, form: Form = "listed"
) -> ReportTerms:
    """What each report names, every match treated by its context, its term written in `form`.

    A term that the report also affirms stays, however often it is skipped. Where a report comes
    with keywords, they are searched in its text's stead: what leaves is always a term of the
    dictionary.
    """
    found = ReportTerms([[] for _ in range(len(reports))], Counter(), Counter())
    languages: list[str] = reports["language"].tolist()
    texts: list[str] = [
        ".\n".join(given) or text
        for given, text in zip(reports["keywords"].tolist(), reports["text"].tolist(), strict=True)
    ]
    for language in sorted(set(languages)):
        rows = [row for row, own in enumerate(languages) if own == language]
        extracted = matcher.extract([texts[row] for row in rows], language)
        for row, matches in zip(rows, extracted, strict=True):
            found.sources.update(match.source for match in matches)
            found.contexts.update(context for match in matches for context in match.contexts)
            named = (_named(match, treatment, form, language) for match in matches)
            found.keywords[row] = list(dict.fromkeys(keyword for keyword in named if keyword))
    return found


def _named(match: Match, treatment: ContextTreatment, form: Form, language: str) -> Keyword | None:
    """The match as a keyword; None where its context is to be skipped, or its term is empty in this
    form.
    """
    told = {context: getattr(treatment, context) for context in CONTEXTS}
    treated = {told[context] for context in match.contexts}
    if "skip" in treated:
        return None
    term = match.term
    for context in CONTEXTS:
        if context in match.contexts and told[context] == "mark":
            term = resources(language).marks[context].replace("{term}", term)
    shown = written(term, form, language)
    return Keyword(shown, match.code, term != match.term) if shown else None


def without_cues(sides: Sequence[pd.DataFrame], treatment: ContextTreatment) -> Iterator[str]:
    """Tell which contexts cannot be seen, or not be marked, in a language that occurs."""
    for language in sorted({language for reports in sides for language in reports["language"]}):
        known = resources(language)
        for context in CONTEXTS:
            wanted = getattr(treatment, context)
            if wanted != "keep" and context not in known.contexts:
                yield (
                    f"the file of language '{language}' has no cues for '{context}': such terms "
                    "count as any other; add them to `contexts` in synthfr/text/languages, or set "
                    f"keywords.context.{context} to keep."
                )
            if wanted == "mark" and context not in known.marks:
                raise UserError(
                    f"keywords.context.{context} is mark, and the file of language '{language}' "
                    f"does not say how: add {context} to its `marks`, or skip or keep such terms."
                )


def terms_of(keywords: Sequence[Keyword]) -> set[str]:
    """The distinct terms."""
    return {keyword.term for keyword in keywords}
