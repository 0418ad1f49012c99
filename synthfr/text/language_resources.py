"""What the code knows of a language: one YAML file under ``languages/``, and nothing elsewhere."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.text.normalise import normalise, spelt

_FOLDER = Path(__file__).parent / "languages"


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
    name: str
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


@cache
def known_languages() -> tuple[str, ...]:
    """Codes of the languages that there are resources for, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


@cache
def language(code: str) -> Language:
    """The resources of a language.

    Raises:
        UserError: if there is no file for it.
    """
    if code not in known_languages():
        # not repeated: it may be a cell of a private table
        raise UserError(
            f"There are no resources for a language that is asked for (known: "
            f"{', '.join(known_languages())}): correct the language of the reports "
            "(seed.language), or add a file to synthfr/text/languages."
        )
    data: dict[str, Any] = read_yaml(_FOLDER / f"{code}.yaml")
    table = data["code_table"]
    keep = _kept(data.get("keep_accents", []))
    edges = [data[name] for name in ("conjunctions", "prepositions", "determiners")]

    def words(*lists: list[str]) -> frozenset[str]:
        return frozenset(normalise(word, keep) for words in lists for word in words)

    return Language(
        code=code,
        name=data["name"],
        keep_accents=keep,
        spacy_blank=data["spacy"]["blank"],
        spacy_trained=tuple(data["spacy"]["trained"]),
        code_table=CodeTable(**{**table, "labels": tuple(table["labels"])}) if table else None,
        function_words=words(*edges),
        stop_words=words(data["stop_words"], *edges),
        headings=words(data["headings"]),
        titles=tuple(normalise(title, keep) for title in data["titles"]),
        negation=_cues(data.get("negation")),
    )


def _cues(data: dict[str, Any] | None) -> NegationCues | None:
    if data is None:
        return None
    lists = {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
    return NegationCues(**{**data, **lists})


def _kept(letters: list[str]) -> str:
    """The letters in one string, each one character."""
    composed = unicodedata.normalize("NFC", "".join(letters))
    for letter in composed:
        if letter != letter.lower() or letter == normalise(letter):
            raise UserError(
                f"keep_accents of a language file holds '{letter}': list lower-case letters with "
                "an accent, such as å."
            )
    return composed
