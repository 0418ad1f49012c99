"""What the code knows of a language: one YAML file under ``languages/``, and nothing elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache

from synthfr.text.language_names import LanguageFile, language_file
from synthfr.text.normalise import normalise, spelt


@dataclass(frozen=True)
class CodeTable:
    """Where an installed distribution keeps the language's full list of ICD-10 codes."""

    distribution: str
    resource: str  # a CSV table, compressed, or the XML of ICD-10-CM's tabular list
    code: str = ""  # column names of a CSV table
    label: str = ""


@dataclass(frozen=True)
class Cues:
    """Phrases by what they do to a context (`synthfr.keywords.context`), as they are written.

    For a negation: which of them negate, and from where; which end its reach.
    """

    reach: int  # words that a cue may be away from the term
    preceding_open: tuple[str, ...] = ()
    preceding: tuple[str, ...] = ()
    adjacent: tuple[str, ...] = ()
    following: tuple[str, ...] = ()
    bidirectional: tuple[str, ...] = ()
    pseudo: tuple[str, ...] = ()
    termination: tuple[str, ...] = ()
    list_separators: tuple[str, ...] = ()
    list_closers: tuple[str, ...] = ()


CONTEXTS = ("negated", "hypothetical", "family", "history")


@dataclass(frozen=True)
class Inflection:
    """What of a term's words does not count when they are compared."""

    skipped: frozenset[str] = frozenset()  # words that a term may have or lack: "de", "la"
    # rounds of endings: in each, the longest that fits is exchanged
    endings: tuple[tuple[tuple[str, str], ...], ...] = ()
    min_stem: int = 4  # letters that stay in front of an ending

    def stem(self, form: str) -> str:
        """``"renaux"`` to ``"renal"``: a word in normal form without its inflection."""
        for endings in self.endings:
            for ending, instead in endings:
                if form.endswith(ending) and len(form) - len(ending) >= self.min_stem:
                    form = form[: len(form) - len(ending)] + instead
                    break
        return form


@dataclass(frozen=True)
class LabelRules:
    """How official labels differ from what is written (`synthfr.corpora.files.wordings`).

    All words are in lower case, with their accents.
    """

    dropped: tuple[str, ...] = ()  # phrases that say nothing about the patient: "sans précision"
    refused: frozenset[str] = frozenset()  # words that no wording has: "autres"
    contrasts: frozenset[str] = frozenset()  # first words of a bracket that excludes: "non", "sans"
    exchanged: tuple[tuple[str, str], ...] = ()  # official -> usual beginning of a label
    no_terms: frozenset[str] = frozenset()  # what then names no condition: "examens"
    adjectives: str = "after"  # where what stands behind a comma belongs: before | after
    max_words: int = 7
    max_capitals: int = 6  # longest abbreviation: longer labels in capitals are set in lower case


@dataclass(frozen=True)
class Language:
    """Resources of one language; all words but the cues are in the language's normal form."""

    code: str
    name: str  # in English
    keep_accents: str  # lower-case letters that are letters of their own with their accent: "åäö"
    spacy_blank: str
    spacy_trained: tuple[str, ...]
    code_table: CodeTable | None
    function_words: frozenset[str]  # conjunctions, prepositions, determiners
    stop_words: frozenset[str]
    headings: frozenset[str]
    titles: tuple[str, ...]
    contexts: Mapping[str, Cues]  # of `CONTEXTS`, those that its file has cues for
    marks: Mapping[str, str]  # by context: how a term is marked, "pas de {term}"
    inflection: Inflection
    labels: LabelRules

    def normalise(self, text: str) -> str:
        """`text` in normal form (`text.normalise`), with the letters that the language keeps."""
        return normalise(text, self.keep_accents)

    def spelt(self, text: str) -> str:
        """The normal form before its blanks are joined."""
        return spelt(text, self.keep_accents)


_KEYS = {
    "name",
    "keep_accents",
    "spacy",
    "code_table",
    "conjunctions",
    "prepositions",
    "determiners",
    "stop_words",
    "headings",
    "titles",
    "contexts",
    "marks",
    "inflection",
    "labels",
    "identifiers",  # read by `identifier_cues`
}


@cache
def language(code: str) -> Language:
    """The resources of a language.

    Raises:
        UserError: if there is no file for it, or one with a key missing, unknown or ill-written.
    """
    data = language_file(code)
    if unknown := sorted(set(data) - _KEYS):
        raise data.wrong(unknown[0], "is none that is read: remove it, or write it")
    keep = _kept(data)
    edges = ("conjunctions", "prepositions", "determiners")

    def words(*keys: str) -> tuple[str, ...]:
        return tuple(normalise(word, keep) for key in keys for word in data.words(key))

    return Language(
        code=code,
        name=data.text("name"),
        keep_accents=keep,
        spacy_blank=data.group("spacy").text("blank"),
        spacy_trained=data.group("spacy").words("trained"),
        code_table=_code_table(data),
        function_words=frozenset(words(*edges)),
        stop_words=frozenset(words("stop_words", *edges)),
        headings=frozenset(words("headings")),
        titles=words("titles"),
        contexts=_contexts(data),
        marks=_marks(data),
        inflection=_inflection(data, keep),
        labels=_label_rules(data),
    )


def _kept(data: LanguageFile) -> str:
    """The letters of ``keep_accents`` in one string, each one character; none where it is not
    there.
    """
    if "keep_accents" not in data:
        return ""
    composed = unicodedata.normalize("NFC", "".join(data.words("keep_accents")))
    if any(letter != letter.lower() or letter == normalise(letter) for letter in composed):
        raise data.wrong("keep_accents", "holds what is no lower-case letter with an accent: write")
    return composed


def _code_table(data: LanguageFile) -> CodeTable | None:
    if data["code_table"] is None:
        return None
    table = data.group("code_table")
    distribution, resource = table.text("distribution"), table.text("resource")
    if resource.endswith(".xml"):
        return CodeTable(distribution, resource)
    return CodeTable(distribution, resource, table.text("code"), table.text("label"))


def _contexts(data: LanguageFile) -> dict[str, Cues]:
    """The cues by context; what the others leave out of lists and ends is that of `negated`."""
    if data.get("contexts") is None:
        return {}
    group = _known_keys(data.group("contexts"), CONTEXTS)
    contexts: dict[str, Cues] = {}
    for context in group:
        cues = _known_keys(group.group(context), [one.name for one in fields(Cues)])
        contexts[context] = Cues(
            cues.whole("reach"), **{name: cues.words(name) for name in cues if name != "reach"}
        )
    if negated := contexts.get("negated"):
        shared = ("termination", "list_separators", "list_closers")
        for context, own in contexts.items():
            lacking = {name: getattr(negated, name) for name in shared if not getattr(own, name)}
            contexts[context] = replace(own, **lacking)
    return contexts


def _marks(data: LanguageFile) -> dict[str, str]:
    if data.get("marks") is None:
        return {}
    marks = _known_keys(data.group("marks"), CONTEXTS)
    for context in marks:
        if "{term}" not in marks.text(context):
            raise marks.wrong(context, "has no place for {term}: write one in")
    return {context: marks.text(context) for context in marks}


def _inflection(data: LanguageFile, keep: str) -> Inflection:
    if data.get("inflection") is None:
        return Inflection()
    group = _known_keys(data.group("inflection"), [one.name for one in fields(Inflection)])
    return Inflection(
        frozenset(normalise(word, keep) for word in group.words("skipped")),
        tuple(
            tuple(sorted(one.items(), key=lambda pair: -len(pair[0]))) for one in group["endings"]
        ),
        group.whole("min_stem"),
    )


def _label_rules(data: LanguageFile) -> LabelRules:
    if data.get("labels") is None:
        return LabelRules()
    group = _known_keys(data.group("labels"), [one.name for one in fields(LabelRules)])
    return LabelRules(
        dropped=tuple(sorted(group.words("dropped"), key=len, reverse=True)),
        refused=frozenset(group.words("refused")),
        contrasts=frozenset(group.words("contrasts")),
        exchanged=tuple(group["exchanged"].items()),
        no_terms=frozenset(group.words("no_terms")),
        adjectives=group.text("adjectives"),
        max_words=group.whole("max_words"),
        max_capitals=group.whole("max_capitals"),
    )


def _known_keys(group: LanguageFile, known: Collection[str]) -> LanguageFile:
    if unknown := sorted(set(group) - set(known)):
        raise group.wrong(unknown[0], "is none that is read: remove it, or write it")
    return group
