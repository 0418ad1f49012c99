"""From reports with codes to the tables the loop starts from: training rows, prompts, code sets.

Keywords are terms of the code list in its own spelling, never a piece of a report, so that no
private wording or misspelling can leave. What private documents export passes `disclosure`.
"""

from __future__ import annotations

import hmac
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from synthfr import icd10, prompts, seeding
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.keywords.disclosure import code_sets, shared, shared_codes
from synthfr.keywords.matching import KeywordIndex
from synthfr.section import Count, Section
from synthfr.text.language_resources import language as resources

if TYPE_CHECKING:
    import pandas as pd

    pass


class Keywords(Section):
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    max_window_tokens: Annotated[int, Field(ge=1, le=20)] = 5
    min_chars: Count = 3
    min_documents: Count = 5
    negation: Literal["skip", "keep"] = "skip"
    complete_public: bool = True
    complete_from_codes: bool = False
    max_keywords: Count = 12


_ID_DIGITS = 16


class Keyword(NamedTuple):
    term: str
    code: str


@dataclass(frozen=True)
class Export:
    """The tables of the stage, as in `synthfr.records`, and what went into them."""

    sft: pd.DataFrame
    prompts: pd.DataFrame
    code_sets: pd.DataFrame
    keyed: pd.DataFrame  # private: the documents behind the prompts
    counts: dict[str, dict[str, float]]


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
    synonyms = dict(zip(codes["code"], codes["synonyms"], strict=True))
    index = KeywordIndex(
        [(term, code) for code, terms in synonyms.items() for term in terms],
        params.threshold,
        params.max_window_tokens,
        params.min_chars,
    )
    if params.negation == "skip":
        _warn_without_cues([public, private])
    sides = [report_terms(reports, index, params.negation) for reports in (public, private)]
    seen = [keywords for keywords, _ in sides]
    completions = synonyms if params.complete_from_codes else {}
    public_completions = synonyms if params.complete_public else {}
    public_codes = shared_codes(public["codes"].tolist(), patients(public), synonyms, 1)
    public_keywords = [
        _ordered(complete(keywords, own, public_completions, random_seed, report_id), own)
        for keywords, own, report_id in zip(seen[0], public_codes, public["report_id"], strict=True)
    ]
    sft = _sft(public, _capped(public_keywords, params), template)
    owners = patients(private)
    private_codes = shared_codes(private["codes"].tolist(), owners, synonyms, params.min_documents)
    private_keywords = _shared_keywords(
        private, seen[1], private_codes, completions, params, random_seed
    )
    prompt_rows, keyed = _prompts(private, private_keywords, template, random_seed)
    sets = code_sets(private_codes, owners, params.min_documents)
    if not {"size", "code"} <= set(sets["kind"]):
        raise UserError(
            f"No code set is shared by keywords.min_documents = {params.min_documents} private "
            "documents: lower it, give more documents, or check that their codes are in the list."
        )
    lookups = index.lookups
    counts = {
        "windows": lookups._asdict(),
        "public": _counts(*sides[0], len(sft)),
        "private": _counts(*sides[1], len(keyed)),
        "exported": {
            "keywords": len({term for terms in prompt_rows["keywords"] for term in terms}),
            "dropped_as_rare": len({keyword.term for keywords in seen[1] for keyword in keywords})
            - len(shared(map(_terms, seen[1]), owners, params.min_documents)),
            **{f"{kind}_rows": int(count) for kind, count in Counter(sets["kind"]).items()},
        },
    }
    return Export(sft, prompt_rows, sets, keyed, counts)


def patients(reports: pd.DataFrame) -> list[str]:
    """Whom each report is about; where that is not known, each report has a patient of its own."""
    owners: list[str] = reports["patient_id" if "patient_id" in reports else "report_id"].tolist()
    return owners


def report_terms(
    reports: pd.DataFrame, index: KeywordIndex, negation: Literal["skip", "keep"]
) -> tuple[list[list[Keyword]], int]:
    """Each report's distinct terms, in the order of the text; and how many matches were skipped.

    Negated matches are skipped, unless told to `keep` them: a term that the report also affirms
    stays.

    Where a report comes with keywords, they are searched in its text's stead: what leaves is always
    a term of the dictionary.
    """
    keywords: list[list[Keyword]] = [[] for _ in range(len(reports))]
    skipped = 0
    languages: list[str] = reports["language"].tolist()
    texts: list[str] = [
        ".\n".join(given) or text
        for given, text in zip(reports["keywords"].tolist(), reports["text"].tolist(), strict=True)
    ]
    for language in sorted(set(languages)):
        rows = [row for row, own in enumerate(languages) if own == language]
        extracted = index.extract([texts[row] for row in rows], language)
        for row, matches in zip(rows, extracted, strict=True):
            taken = [match for match in matches if negation == "keep" or not match.negated]
            skipped += len(matches) - len(taken)
            keywords[row] = list(dict.fromkeys(Keyword(match.term, match.code) for match in taken))
    return keywords, skipped


def _warn_without_cues(sides: Sequence[pd.DataFrame]) -> None:
    languages = sorted({language for reports in sides for language in reports["language"]})
    mute = [language for language in languages if resources(language).negation is None]
    if mute:
        print(
            f"keywords: no negation cues for {', '.join(mute)}: terms count there negated or not; "
            "add `negation` to the language's file in synthfr/text/languages, or set "
            "keywords.negation to keep.",
            file=sys.stderr,
            flush=True,
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
        if code in synonyms and not any(icd10.related(keyword.code, code) for keyword in keywords):
            rng = seeding.rng(random_seed, "synonym", report_id, code)
            added.append(Keyword(synonyms[code][int(rng.integers(len(synonyms[code])))], code))
    return [*keywords, *added]


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
        places = (at for at, code in enumerate(codes) if icd10.related(keyword.code, code))
        return next(places, len(codes))

    return list(dict.fromkeys(keyword.term for keyword in sorted(keywords, key=place)))


def _capped(documents: Sequence[Sequence[str]], params: Keywords) -> list[list[str]]:
    return [list(document[: params.max_keywords]) for document in documents]


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
            "language (seed.files.codes), lower keywords.threshold, or let the reports' codes add "
            "keywords (keywords.complete_public)."
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


def _counts(seen: Sequence[Sequence[Keyword]], n_negated: int, n_kept: int) -> dict[str, float]:
    documents = len(seen)
    return {
        "documents": documents,
        "kept": n_kept,
        "without_keyword": documents - n_kept,
        "keywords_found_per_document": sum(map(len, seen)) / max(documents, 1),
        "negated_matches_skipped": n_negated,
    }
