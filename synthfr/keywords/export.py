"""From reports with codes to the tables the loop starts from: training rows, prompts, code sets.

Keywords are terms of the code list in its own spelling (or that in normal form), never a piece of a
private report, so that no private wording or misspelling can leave. What private documents export
passes `disclosure`.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from synthfr import prompts
from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.icd10.names import entries, names
from synthfr.keywords.coverage import counts_of, few_sets, sets_share
from synthfr.keywords.disclosure import code_sets, shared, shared_codes
from synthfr.keywords.given import Names, given_terms
from synthfr.keywords.matchers import open_matcher
from synthfr.keywords.matching import Matching
from synthfr.keywords.prompt_law import other_prompts, prompt_law
from synthfr.keywords.prompt_sets import prompt_sets
from synthfr.keywords.prompt_terms import Order, arranged, as_many, complete, ordered
from synthfr.keywords.report_terms import (
    ContextTreatment,
    Keyword,
    report_terms,
    terms_of,
    without_cues,
)
from synthfr.keywords.set_anonymity import Ladder, anonymous_sets
from synthfr.section import Count, Share
from synthfr.text.term_form import Form, names_written

if TYPE_CHECKING:
    import pandas as pd


class Keywords(Matching):
    """Parameters `keywords`: see the comments in params.yaml."""

    renamed = {
        "threshold": "ngrams.threshold",
        "max_window_tokens": "ngrams.max_window_tokens",
        "negation": "context.negated",
    }

    min_documents: Count = 5
    min_set_documents: Count = 1
    context: ContextTreatment = ContextTreatment()
    complete_public: bool = True
    complete_from_codes: bool = False
    training_terms: Literal["all", "as_private"] = "all"
    form: Form = "listed"
    order: Order = "codes"
    max_keywords: Count | None = 12
    given_fraction: Share = 0.0
    code_sets: Literal["counts", "sets"] = "counts"


_ID_DIGITS = 16


@dataclass(frozen=True)
class Export:
    """The tables of the stage, as in `synthfr.records`, and what went into them."""

    sft: pd.DataFrame
    prompts: pd.DataFrame
    code_sets: pd.DataFrame
    keyed: pd.DataFrame  # private: the documents behind the prompts
    counts: dict[str, Mapping[str, Any]]
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
    listed = names(codes)
    matcher = open_matcher(entries(codes), params)
    notes = list(without_cues([public, private], params.context))
    sides = [
        report_terms(reports, matcher, params.context, params.form) for reports in (public, private)
    ]
    seen = [side.keywords for side in sides]
    languages = sorted({*public["language"], *private["language"]})
    synonyms = {one: names_written(listed, params.form, one) for one in languages}
    public_keywords, given_counts = _public_keywords(
        public, seen[0], listed, synonyms, params, random_seed
    )
    owners = patients(private)
    private_codes = shared_codes(private["codes"].tolist(), owners, listed, params.min_documents)
    private_keywords = _shared_keywords(
        private, seen[1], private_codes, synonyms, params, random_seed
    )
    prompt_rows, keyed = _prompts(private, private_keywords, template, random_seed)
    if params.training_terms == "as_private":
        sizes = sorted(prompt_rows["keywords"].map(len))
        public_keywords = [
            as_many(terms, sizes, random_seed, report_id)
            for terms, report_id in zip(public_keywords, public["report_id"], strict=True)
        ]
    sft = _sft(public, public_keywords, template)
    sets = exported_code_sets(private["codes"].tolist(), private_codes, owners, params)
    if not usable(sets, params):
        what = "whole code set" if params.code_sets == "sets" else "code set"
        raise UserError(
            f"No {what} is shared by keywords.min_documents = {params.min_documents} private "
            "documents: lower it, give more documents, or check that their codes are in the list."
        )
    training = prompt_law(public_keywords, seen[0])
    asked = prompt_law(private_keywords, seen[1])
    notes += other_prompts(training, asked)
    of_sets: dict[str, float] = {}
    if params.code_sets == "sets":
        of_sets["whole_sets_share"] = sets_share(sets, private_codes)
        notes += few_sets(of_sets["whole_sets_share"])
    counts: dict[str, Mapping[str, Any]] = {
        "matcher": matcher.work(),
        "public": counts_of(sides[0], len(sft), public["codes"], listed),
        "private": counts_of(sides[1], len(keyed), private["codes"], listed),
        "training_prompts": training,
        "private_prompts": asked,
        "prompt_sets": prompt_sets(private_keywords, params.min_documents),
        **({"given": given_counts} if params.given_fraction else {}),
        "exported": {
            "keywords": len({term for terms in prompt_rows["keywords"] for term in terms}),
            "dropped_as_rare": len({keyword.term for keywords in seen[1] for keyword in keywords})
            - len(shared(map(terms_of, seen[1]), owners, params.min_documents)),
            **{f"{kind}_rows": int(count) for kind, count in Counter(sets["kind"]).items()},
            **of_sets,
        },
    }
    return Export(sft, prompt_rows, sets, keyed, counts, tuple(notes))


def exported_code_sets(
    codes: Sequence[Sequence[str]],
    released: Sequence[Sequence[str]],
    owners: Sequence[str],
    params: Keywords,
) -> pd.DataFrame:
    """CODE_SETS of the private documents, as far as the parameters let them leave.

    Args:
        codes: of each document, as it has them.
        released: what `shared_codes` made of them.
        owners: each document's patient.
    """
    whole_of = codes if params.code_sets == "sets" else None
    return code_sets(released, owners, params.min_documents, whole_of)


def usable(sets: pd.DataFrame, params: Keywords) -> bool:
    """Whether all kinds of CODE_SETS rows are there that the next stages may draw from."""
    wanted = {"size", "code", "set"} if params.code_sets == "sets" else {"size", "code"}
    return wanted <= set(sets["kind"])


def exposure(params: Keywords) -> Iterator[str]:
    """What the user should know of the wall that these parameters leave."""
    if params.min_documents == 1:
        what = "a code, a pair, a whole code set or" if params.code_sets == "sets" else "a code or"
        yield (
            f"keywords.min_documents is 1: {what} a term that a single patient has leaves the "
            "private side; the tables of this stage are then as private as the documents."
        )


def patients(reports: pd.DataFrame) -> list[str]:
    """Whom each report is about; where that is not known, each report has a patient of its own."""
    owners: list[str] = reports["patient_id" if "patient_id" in reports else "report_id"].tolist()
    return owners


def _public_keywords(
    public: pd.DataFrame,
    seen: Sequence[Sequence[Keyword]],
    listed: Names,
    synonyms: Mapping[str, Names],
    params: Keywords,
    random_seed: int,
) -> tuple[list[list[str]], dict[str, float]]:
    """The terms of the training prompts, and how many reports have terms that were given."""
    codes = shared_codes(public["codes"].tolist(), patients(public), listed, 1)
    given = given_terms(
        public, codes, synonyms, params.form, params.given_fraction, random_seed
    )  # none where the fraction is 0
    found = []
    for keywords, own, name, language in zip(
        seen, codes, public["report_id"], public["language"], strict=True
    ):
        if name in given.terms:
            found.append(arranged(given.terms[name], params.order))
            continue
        known = synonyms[language] if params.complete_public else {}
        completed = complete(keywords, own, known, random_seed, name)
        found.append(ordered(completed, own, params.order))
    return _capped(found, params), given.counts


def _shared_keywords(
    private: pd.DataFrame,
    seen: Sequence[Sequence[Keyword]],
    codes: Sequence[Sequence[str]],
    synonyms: Mapping[str, Names],
    params: Keywords,
    random_seed: int,
) -> list[list[str]]:
    """What the private documents' prompts may hold: only terms that enough patients share."""
    owners = patients(private)
    common = shared(map(terms_of, seen), owners, params.min_documents)
    documents = [
        complete(
            [word for word in words if word.term in common],
            own,
            synonyms[language] if params.complete_from_codes else {},
            random_seed,
            name,
        )
        for words, own, name, language in zip(
            seen, codes, private["report_id"], private["language"], strict=True
        )
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
    capped = _capped(
        [ordered(document, own, params.order) for document, own in zip(merged, codes, strict=True)],
        params,
    )
    common = shared(capped, owners, params.min_documents)
    released = [[term for term in document if term in common] for document in capped]
    languages = private["language"].tolist()
    return anonymous_sets(
        released,
        owners,
        languages,
        params.min_set_documents,
        params.min_documents,
        Ladder.of(merged, languages, synonyms),
    )


def _capped(documents: Sequence[Sequence[str]], params: Keywords) -> list[list[str]]:
    return [list(document[: params.max_keywords]) for document in documents]


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
