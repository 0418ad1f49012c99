"""From reports with codes to the tables the loop starts from: training rows, prompts, code sets.

Keywords are terms of the code list in its own spelling, never a piece of a report, so that no
private wording or misspelling can leave. What private documents export passes `disclosure`.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from synthfr import icd10, prompts, seeding
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.icd10.names import SOURCES, entries, names
from synthfr.keywords.disclosure import code_sets, shared, shared_codes
from synthfr.keywords.matchers import open_matcher
from synthfr.keywords.matching import Match, Matcher, Matching
from synthfr.section import Count, Section
from synthfr.text.language_resources import CONTEXTS
from synthfr.text.language_resources import language as resources

if TYPE_CHECKING:
    import pandas as pd


Treatment = Literal["skip", "keep", "mark"]


class ContextTreatment(Section):
    """Parameters `keywords.context`: see the comments in params.yaml."""

    negated: Treatment = "skip"
    hypothetical: Treatment = "skip"
    family: Treatment = "skip"
    history: Treatment = "keep"


class Keywords(Matching):
    """Parameters `keywords`: see the comments in params.yaml."""

    renamed = {
        "threshold": "ngrams.threshold",
        "max_window_tokens": "ngrams.max_window_tokens",
        "negation": "context.negated",
    }

    min_documents: Count = 5
    context: ContextTreatment = ContextTreatment()
    complete_public: bool = True
    complete_from_codes: bool = False
    training_terms: Literal["all", "as_private"] = "all"
    max_keywords: Count = 12


_ID_DIGITS = 16
_LAW_RATIO = 2  # more than so many times apart, prompts are of two kinds


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


@dataclass(frozen=True)
class Export:
    """The tables of the stage, as in `synthfr.records`, and what went into them."""

    sft: pd.DataFrame
    prompts: pd.DataFrame
    code_sets: pd.DataFrame
    keyed: pd.DataFrame  # private: the documents behind the prompts
    counts: dict[str, dict[str, float]]
    notes: tuple[str, ...]  # what the user should know of it, a sentence each


def export(
    public: pd.DataFrame,
    private: pd.DataFrame,
    codes: pd.DataFrame,
    params: Keywords,
    template: str,
    random_seed: int,
) -> Export:
    """Extract keywords from both sides (REPORTS) by the code list (CODES), and make the tables.

    Raises:
        UserError: if no public report has a keyword, or nothing private is shared widely enough.
    """
    synonyms = names(codes)
    matcher = open_matcher(entries(codes), params)
    notes = list(_without_cues([public, private], params.context))
    sides = [report_terms(reports, matcher, params.context) for reports in (public, private)]
    seen = [side.keywords for side in sides]
    completions = synonyms if params.complete_from_codes else {}
    public_completions = synonyms if params.complete_public else {}
    public_codes = shared_codes(public["codes"].tolist(), patients(public), synonyms, 1)
    public_keywords = [
        _ordered(complete(keywords, own, public_completions, random_seed, report_id), own)
        for keywords, own, report_id in zip(seen[0], public_codes, public["report_id"], strict=True)
    ]
    public_keywords = _capped(public_keywords, params)
    owners = patients(private)
    private_codes = shared_codes(private["codes"].tolist(), owners, synonyms, params.min_documents)
    private_keywords = _shared_keywords(
        private, seen[1], private_codes, completions, params, random_seed
    )
    prompt_rows, keyed = _prompts(private, private_keywords, template, random_seed)
    if params.training_terms == "as_private":
        sizes = sorted(prompt_rows["keywords"].map(len))
        public_keywords = [
            _as_many(terms, sizes, random_seed, report_id)
            for terms, report_id in zip(public_keywords, public["report_id"], strict=True)
        ]
    sft = _sft(public, public_keywords, template)
    sets = code_sets(private_codes, owners, params.min_documents)
    if not {"size", "code"} <= set(sets["kind"]):
        raise UserError(
            f"No code set is shared by keywords.min_documents = {params.min_documents} private "
            "documents: lower it, give more documents, or check that their codes are in the list."
        )
    training = _prompt_law(public_keywords, seen[0])
    asked = _prompt_law(private_keywords, seen[1])
    notes += _other_prompts(training, asked)
    counts: dict[str, dict[str, float]] = {
        "matcher": matcher.work(),
        "public": _counts(sides[0], len(sft)) | _unlisted_codes(public, synonyms),
        "private": _counts(sides[1], len(keyed)) | _unlisted_codes(private, synonyms),
        "training_prompts": training,
        "private_prompts": asked,
        "exported": {
            "keywords": len({term for terms in prompt_rows["keywords"] for term in terms}),
            "dropped_as_rare": len({keyword.term for keywords in seen[1] for keyword in keywords})
            - len(shared(map(_terms, seen[1]), owners, params.min_documents)),
            **{f"{kind}_rows": int(count) for kind, count in Counter(sets["kind"]).items()},
        },
    }
    return Export(sft, prompt_rows, sets, keyed, counts, tuple(notes))


def patients(reports: pd.DataFrame) -> list[str]:
    """Whom each report is about; where that is not known, each report has a patient of its own."""
    owners: list[str] = reports["patient_id" if "patient_id" in reports else "report_id"].tolist()
    return owners


def report_terms(
    reports: pd.DataFrame, matcher: Matcher, treatment: ContextTreatment
) -> ReportTerms:
    """What each report names, every match treated by its context.

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
            named = (_named(match, treatment, language) for match in matches)
            found.keywords[row] = list(dict.fromkeys(keyword for keyword in named if keyword))
    return found


def _named(match: Match, treatment: ContextTreatment, language: str) -> Keyword | None:
    """The match as a keyword; None where its context is to be skipped."""
    told = {context: getattr(treatment, context) for context in CONTEXTS}
    treated = {told[context] for context in match.contexts}
    if "skip" in treated:
        return None
    term = match.term
    for context in CONTEXTS:
        if context in match.contexts and told[context] == "mark":
            term = resources(language).marks[context].replace("{term}", term)
    return Keyword(term, match.code, term != match.term)


def _without_cues(sides: Sequence[pd.DataFrame], treatment: ContextTreatment) -> Iterator[str]:
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


def _names(keyword: Keyword, code: str) -> bool:
    return not keyword.marked and icd10.related(keyword.code, code)


def _shared_keywords(
    private: pd.DataFrame,
    seen: Sequence[Sequence[Keyword]],
    codes: Sequence[Sequence[str]],
    synonyms: Mapping[str, Sequence[str]],
    params: Keywords,
    random_seed: int,
) -> list[list[str]]:
    """What the private documents' prompts may hold: only terms that enough patients share."""
    owners = patients(private)
    common = shared(map(_terms, seen), owners, params.min_documents)
    documents = [
        complete([word for word in words if word.term in common], own, synonyms, random_seed, name)
        for words, own, name in zip(seen, codes, private["report_id"], strict=True)
    ]
    # a code that enough patients have may scatter over synonyms that too few have: they then take
    # the most frequent one
    counts = Counter(keyword for document in documents for keyword in document)
    usual: dict[str, Keyword] = {}
    for keyword in sorted(counts, key=lambda keyword: (-counts[keyword], keyword)):
        usual.setdefault(keyword.code, keyword)
    frequent = shared(documents, owners, params.min_documents)
    merged = [
        [word if word in frequent else usual[word.code] for word in document]
        for document in documents
    ]
    ordered = [_ordered(document, own) for document, own in zip(merged, codes, strict=True)]
    capped = _capped(ordered, params)
    common = shared(capped, owners, params.min_documents)
    return [[term for term in document if term in common] for document in capped]


def _ordered(keywords: Sequence[Keyword], codes: Sequence[str]) -> list[str]:
    """Distinct terms: first those that name the report's codes, in their order, then others."""

    def place(keyword: Keyword) -> int:
        places = (at for at, code in enumerate(codes) if _names(keyword, code))
        return next(places, len(codes))

    return list(dict.fromkeys(keyword.term for keyword in sorted(keywords, key=place)))


def _capped(documents: Sequence[Sequence[str]], params: Keywords) -> list[list[str]]:
    return [list(document[: params.max_keywords]) for document in documents]


def _as_many(terms: list[str], sizes: Sequence[int], random_seed: int, report_id: str) -> list[str]:
    """Some of the terms, in their order: as many as a random private prompt has, of `sizes`."""
    rng = seeding.rng(random_seed, "training terms", report_id)
    wanted = min(sizes[int(rng.integers(len(sizes)))], len(terms))
    return [terms[at] for at in sorted(rng.permutation(len(terms))[:wanted])]


def _terms(keywords: Sequence[Keyword]) -> set[str]:
    return {keyword.term for keyword in keywords}


def _sft(public: pd.DataFrame, keywords: Sequence[list[str]], template: str) -> pd.DataFrame:
    import pandas as pd

    rows = [
        {
            "report_id": report_id,
            "prompt": prompts.render(terms, template, language),
            "completion": text,
            "keywords": terms,
        }
        for report_id, text, language, terms in zip(
            public["report_id"], public["text"], public["language"], keywords, strict=True
        )
        if terms
    ]
    if not rows:
        raise UserError(
            "No public report has a keyword: check that the code list's labels are in the reports' "
            "language (seed.files.codes), give synonyms (seed.files.synonyms), or let the reports' "
            "codes add keywords (keywords.complete_public)."
        )
    return pd.DataFrame(rows).sort_values("report_id", ignore_index=True)


def _prompts(
    private: pd.DataFrame, keywords: Sequence[list[str]], template: str, random_seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """PROMPTS, and KEYED with the same ids. Sorted by id, so that order tells nothing."""
    import pandas as pd

    # the ids of hospital stays can be guessed, so a hash of them alone could be undone: its key is
    # the private corpus itself
    key = digest([random_seed, *sorted(zip(private["report_id"], private["text"], strict=True))])
    keyed = private.assign(prompt_id=[_opaque(name, key) for name in private["report_id"]])
    keyed["keywords"] = pd.Series(keywords, index=keyed.index, dtype=object)
    keyed = keyed[keyed["keywords"].map(len) > 0].sort_values("prompt_id", ignore_index=True)
    if keyed.empty:
        raise UserError(
            "No keyword is shared by enough private documents: lower keywords.min_documents, give "
            "more documents, check that the code list's labels are in their language, or let the "
            "documents' codes add keywords (keywords.complete_from_codes)."
        )
    table = keyed[["prompt_id", "keywords", "language"]].assign(
        prompt=[
            prompts.render(terms, template, language)
            for terms, language in zip(keyed["keywords"], keyed["language"], strict=True)
        ]
    )
    return table, keyed


def _opaque(report_id: str, key: str) -> str:
    return hmac.digest(key.encode(), report_id.encode(), "sha256").hex()[:_ID_DIGITS]


def _counts(found: ReportTerms, n_kept: int) -> dict[str, float]:
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
    }


def _unlisted_codes(reports: pd.DataFrame, listed: Collection[str]) -> dict[str, float]:
    """Shares of the reports' codes that the code list has only a wider code for, or none at all."""
    occurrences = [code for codes in reports["codes"] for code in codes]
    widened = [code for code in occurrences if code not in listed]
    unknown = [code for code in widened if icd10.nearest(code, listed) is None]
    return {
        "codes_widened_share": (len(widened) - len(unknown)) / max(len(occurrences), 1),
        "codes_unknown_share": len(unknown) / max(len(occurrences), 1),
    }


def _prompt_law(
    prompts: Sequence[Sequence[str]], seen: Sequence[Sequence[Keyword]]
) -> dict[str, float]:
    """What prompts are like: terms a prompt, and the share of them that the report names itself."""
    held = [(terms, _terms(own)) for terms, own in zip(prompts, seen, strict=True) if terms]
    n_terms = sum(len(terms) for terms, _ in held)
    return {
        "terms_per_prompt": n_terms / max(len(held), 1),
        "share_in_text": sum(term in own for terms, own in held for term in terms)
        / max(n_terms, 1),
    }


def _other_prompts(training: Mapping[str, float], asked: Mapping[str, float]) -> Iterator[str]:
    """A generator that learnt from prompts of one kind is asked with another: say so."""
    for name, meaning in (
        ("terms_per_prompt", "terms a prompt"),
        ("share_in_text", "of a prompt's terms named by its report"),
    ):
        low, high = sorted((training[name], asked[name]))
        if high > _LAW_RATIO * low:
            remedy = (
                "set keywords.training_terms to as_private, or lower keywords.min_documents."
                if name == "terms_per_prompt"
                else "set keywords.complete_public and complete_from_codes alike."
            )
            yield (
                f"training prompts and private prompts differ: {training[name]:.2f} against "
                f"{asked[name]:.2f} {meaning}; {remedy}"
            )


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
