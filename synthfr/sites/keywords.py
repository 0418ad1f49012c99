"""The exchange of keywords: public seed and codes go in, prompts and code sets come back.

The documents behind the prompts stay inside, with the ids of their prompts, for the exchanges of
scores. What comes back is text, so outside every word of it is looked up: a keyword must be a name
in the code list that was sent, a prompt the template filled with its keywords, a code a listed one.

The code list comes from outside too: one that names every word would spell the documents. So
inside, the share of their words that leaves is measured, and limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthfr import prompts, records, redact
from synthfr.errors import UserError
from synthfr.icd10.names import entries, names
from synthfr.keywords.export import Export, Keywords, export
from synthfr.sites import combine
from synthfr.sites.exchanges import Answer, Question, check_asked
from synthfr.sites.manifest import Manifest
from synthfr.text.language_resources import CONTEXTS
from synthfr.text.language_resources import language as resources
from synthfr.text.term_form import written

if TYPE_CHECKING:
    import pandas as pd

MOST_WORDS = 0.15
"""Real clinical cases (CodiEsp in French, the whole ICD-10 with synonyms): 0.01; the demo's short
reports: 0.07. A list of all their words that five patients have: 0.25, if max_keywords is null.
"""
_WORD = re.compile(r"\w+")
_PROMPT_ID = re.compile(r"[0-9a-f]{16}")  # as `keywords.export` makes them


@dataclass(frozen=True)
class Exported:
    """`inside`: all tables of the export; `answer`: what leaves."""

    inside: Export
    answer: Answer


@dataclass(frozen=True)
class Public:
    """The tables of the stage `keywords` that are public (SFT, PROMPTS, CODE_SETS)."""

    sft: pd.DataFrame
    prompts: pd.DataFrame
    code_sets: pd.DataFrame


def question(params: Mapping[str, Any], *, seed: pd.DataFrame, codes: pd.DataFrame) -> Question:
    """About the keywords of private documents, by the public `seed` (REPORTS) and CODES."""
    return Question("keywords", None, params, {"seed": seed, "codes": codes})


def answer(
    question: Question, train: pd.DataFrame, params: Keywords, template: str, random_seed: int
) -> Exported:
    """What the stage `keywords` makes of the private documents (REPORTS) and the question."""
    asked = question.tables
    done = export(asked["seed"], train, asked["codes"], params, template, random_seed)
    tables = {
        "terms": done.sft[["report_id", "keywords"]],
        "prompts": done.prompts,
        "code_sets": done.code_sets,
    }
    return Exported(done, Answer(tables, len(done.keyed), {"keywords": done.counts}))


def words_leaving(keyed: pd.DataFrame) -> tuple[float, float]:
    """Of the documents behind prompts (KEYED), how many words their keywords have for each word of
    the text: mean, and most.
    """
    shares = [
        len(_WORD.findall(" ".join(own))) / max(1, len(_WORD.findall(text)))
        for own, text in zip(keyed["keywords"], keyed["text"], strict=True)
    ]
    return sum(shares) / len(shares), max(shares)


def check_words_leaving(keyed: pd.DataFrame, most: float) -> None:
    """UserError where more than the share `most` of the documents' words would leave, on average:
    the list of codes then spells them.
    """
    mean, _ = words_leaving(keyed)
    if mean > most:
        raise UserError(
            f"by the question's code list {mean:.0%} of a document's words would leave, on "
            f"average, and at most {most:.0%} may: look whether its names are those of diseases; "
            "if they are, and the documents are short, raise --max-words."
        )


def check(
    answer: Answer, manifest: Manifest, now: Question, params: Keywords, template: str
) -> None:
    """Refuse an answer to another question than `now`, or with any text that the question's own
    tables and the template do not give.
    """
    check_asked(manifest, now)
    terms, prompted = answer.tables["terms"], answer.tables["prompts"]
    seed, codes = now.tables["seed"], now.tables["codes"]
    language_of = dict(zip(seed["report_id"], seed["language"], strict=True))
    unknown = sorted(set(terms["report_id"]) - language_of.keys())
    if unknown:
        raise UserError(
            f"the answer has training terms of {len(unknown)} reports that were not sent, such as "
            f"{redact.shown_id(unknown[0])}: do not use it, and ask its sender."
        )
    known = _Vocabulary(codes, params)
    languages = [language_of[name] for name in terms["report_id"]]
    given = {  # terms that came with a public report (keywords.given_fraction)
        written(term, params.form, language)
        for own, language in zip(seed["keywords"], seed["language"], strict=True)
        for term in own
    }
    known.check(terms["keywords"], languages, "training terms", given)
    _check_prompts(prompted, known, template)
    _check_code_sets(answer.tables["code_sets"], set(codes["code"]), params.min_documents)


def public(
    answers: Sequence[Answer], seed: pd.DataFrame, template: str
) -> tuple[Public, dict[str, Any]]:
    """The public tables of the stage `keywords`, put together from all answers, and its metrics.

    Raises:
        UserError: several hospitals' answers do not fit together.
    """
    import pandas as pd

    first = answers[0].tables["terms"]
    if any(not one.tables["terms"].equals(first) for one in answers):
        raise UserError(
            "The hospitals' training terms differ, and one generator is trained on one set of them:"
            " set keywords.training_terms to all, so that they follow from the public seed alone, "
            "and ask again."
        )
    prompted = pd.concat([one.tables["prompts"] for one in answers], ignore_index=True)
    prompted = prompted.sort_values("prompt_id", ignore_index=True)
    records.validate(prompted, records.PROMPTS, "prompts of all hospitals")
    sets = [one.tables["code_sets"] for one in answers]
    found = Public(_sft(first, seed, template), prompted, _added(sets))
    return found, combine.measures(answers).get("keywords", {})


def _sft(terms: pd.DataFrame, seed: pd.DataFrame, template: str) -> pd.DataFrame:
    of = dict(zip(seed["report_id"], zip(seed["text"], seed["language"], strict=True), strict=True))
    rows = terms.copy()
    rows["completion"] = [of[name][0] for name in terms["report_id"]]
    rows["prompt"] = [
        prompts.render(keywords, template, of[name][1])
        for name, keywords in zip(terms["report_id"], terms["keywords"], strict=True)
    ]
    ordered: pd.DataFrame = rows[records.SFT.schema.names]
    return ordered


def _added(sets: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """CODE_SETS of several hospitals: documents of equal rows are added."""
    import pandas as pd

    if len(sets) == 1:
        return sets[0]
    counts: dict[tuple[Any, ...], int] = {}
    for one in sets:
        for kind, codes, size, n_documents in one.itertuples(index=False):
            row = kind, size, tuple(codes)
            counts[row] = counts.get(row, 0) + int(n_documents)
    kinds = records.CODE_SETS.choices["kind"]
    order = sorted(counts, key=lambda row: (kinds.index(row[0]), row[2], row[1]))
    rows = [(kind, list(codes), size, counts[kind, size, codes]) for kind, size, codes in order]
    return pd.DataFrame(rows, columns=records.CODE_SETS.schema.names)


class _Vocabulary:
    """All terms that the code list gives, by language: as a prompt writes them, marked ones too."""

    def __init__(self, codes: pd.DataFrame, params: Keywords) -> None:
        listed = {entry.term for entry in entries(codes)}
        self._terms = listed | {name for own in names(codes).values() for name in own}
        self._params = params
        self._known: dict[str, set[str]] = {}

    def check(
        self,
        keywords: Iterable[Sequence[str]],
        languages: Iterable[str],
        what: str,
        more: Iterable[str] = (),
    ) -> None:
        """UserError unless all terms are known, or among `more`, which are public too."""
        wrong = 0
        for own, language in zip(keywords, languages, strict=True):
            known = self._of(language)
            wrong += sum(term not in known and term not in more for term in own)
        if wrong:
            raise UserError(
                f"the answer's {what} hold {wrong} words that are no names in the code list that "
                "was sent: do not use it, and ask its sender."
            )

    def _of(self, language: str) -> set[str]:
        if language not in self._known:
            terms = set(self._terms)
            marks = resources(language).marks
            for context in CONTEXTS:
                if getattr(self._params.context, context) == "mark" and context in marks:
                    terms |= {marks[context].replace("{term}", term) for term in terms}
            self._known[language] = {written(term, self._params.form, language) for term in terms}
        return self._known[language]


def _check_prompts(prompted: pd.DataFrame, known: _Vocabulary, template: str) -> None:
    from synthfr.text.language_names import known_languages

    if not set(prompted["language"]) <= set(known_languages()):
        raise UserError(
            "the answer's prompts are in a language that is not known here: add its file to "
            "synthfr/text/languages, or ask the sender."
        )
    if not all(_PROMPT_ID.fullmatch(one) for one in prompted["prompt_id"]):
        raise UserError(
            "the answer's prompts have ids that are not ours, which are 16 hexadecimal digits: do "
            "not use it, and ask its sender."
        )
    known.check(prompted["keywords"], prompted["language"], "prompts")
    for own, prompt, language in zip(
        prompted["keywords"], prompted["prompt"], prompted["language"], strict=True
    ):
        if prompt != prompts.render(own, template, language):
            raise UserError(
                "the answer has prompts that are not the template filled with their keywords: do "
                "not use it, and ask its sender."
            )


def _check_code_sets(sets: pd.DataFrame, known: set[str], min_documents: int) -> None:
    if any(code not in known for codes in sets["codes"] for code in codes):
        raise UserError(
            "the answer's code sets hold codes that are not in the list that was sent: do not use "
            "it, and ask its sender."
        )
    if (sets["n_documents"] < min_documents).any():
        raise UserError(
            f"the answer's code sets count fewer than keywords.min_documents = {min_documents} "
            "documents, which may not leave a hospital: do not use it, and ask its sender."
        )
