"""What the code knows of a language: one YAML file under ``languages/``, and nothing elsewhere."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, fields
from functools import cache

from synthfr.text.language_names import LanguageFile, language_file
from synthfr.text.normalise import normalise, spelt


@dataclass(frozen=True)
class CodeTable:
    """Where an installed distribution keeps the language's full list of ICD-10 codes, as CSV."""

    distribution: str
    extra: str  # of this package, which installs the distribution
    resource: str
    code: str  # column names
    labels: tuple[str, ...]


@dataclass(frozen=True)
class NegationCues:
    """Phrases by what they do to a negation (`synthfr.keywords.negation`), as they are written."""

    reach: int  # words that a cue may be away from what it negates
    preceding_open: tuple[str, ...]
    preceding: tuple[str, ...]
    adjacent: tuple[str, ...]
    following: tuple[str, ...]
    bidirectional: tuple[str, ...]
    pseudo: tuple[str, ...]
    termination: tuple[str, ...]
    list_separators: tuple[str, ...]
    list_closers: tuple[str, ...]


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
    negation: NegationCues | None  # None: its file has no cues

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
    "negation",
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
        negation=_cues(data),
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
    return CodeTable(
        table.text("distribution"),
        table.text("extra"),
        table.text("resource"),
        table.text("code"),
        table.words("labels"),
    )


def _cues(data: LanguageFile) -> NegationCues | None:
    if data.get("negation") is None:
        return None
    cues = data.group("negation")
    if not isinstance(cues["reach"], int):
        raise cues.wrong("reach", "is no whole number: write it")
    names = [one.name for one in fields(NegationCues) if one.name != "reach"]
    if unknown := sorted(set(cues) - {"reach", *names}):
        raise cues.wrong(unknown[0], "is none that is read: remove it, or write it")
    return NegationCues(cues["reach"], **{name: cues.words(name) for name in names})
