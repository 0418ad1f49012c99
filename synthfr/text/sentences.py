"""Sentences and their words, as keyword extraction needs them: normal form beside offsets.

spaCy splits: a trained pipeline when the language has one installed, which then also tells function
words by part of speech; else the blank tokeniser, with the language's lists of function words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from synthfr.text.language_resources import Language
from synthfr.text.language_resources import language as resources
from synthfr.text.normalise import plain_typography

FUNCTION_POS = ("ADP", "CCONJ", "CONJ", "DET", "SCONJ")  # Universal Dependencies
_GLUED = r"(?<=[^\s\d])[:/+=;](?=\S)"  # "ATCD:HTA/DNID": what wards write without spaces
_UNUSED = ("parser", "senter", "ner", "lemmatizer")
_MAX_CHARS = 10**9  # spaCy's own limit is there for parsers


class Word(NamedTuple):
    """A token with letters in it."""

    begin: int  # offsets in the sentence's normal form
    end: int
    is_function: bool  # conjunction, preposition or determiner
    text_begin: int  # offsets in the text
    text_end: int


class Sentence(NamedTuple):
    form: str  # what `Language.normalise` makes of the sentence
    words: list[Word]
    text_end: int  # offset in the text


def split(texts: Sequence[str], language: str) -> Iterator[list[Sentence]]:
    """The sentences of each text, in order. `language` is a code with resources."""
    splitter = _splitter(language)
    for doc in splitter.nlp.pipe(map(plain_typography, texts)):
        yield splitter.sentences(doc)


@cache
def _splitter(language: str) -> _Splitter:
    return _Splitter(resources(language))


class _Form(NamedTuple):
    """What a token becomes: its normal form, and whether a blank goes before and after it."""

    text: str
    before: bool
    after: bool


class _Splitter:
    def __init__(self, language: Language) -> None:
        self.nlp, self.trained = _pipeline(language)
        self._spelt = language.spelt
        self._function_words = language.function_words
        self._function_parts = _part_of_speech_ids(FUNCTION_POS)
        self._forms: dict[int, _Form] = {}  # by spaCy's hash of a token

    def sentences(self, doc: Any) -> list[Sentence]:
        from spacy.attrs import IDX, ORTH, POS, SENT_START, SPACY

        if not len(doc):
            return []
        columns = doc.to_array([ORTH, IDX, SPACY, POS, SENT_START])
        orths, begins, spaced, parts, starts = (column.tolist() for column in columns.T)
        begins.append(len(doc.text))
        sentences: list[Sentence] = []
        pieces: list[str] = []
        words: list[Word] = []
        place, gap = 0, False
        for row, orth in enumerate(orths):
            if starts[row] == 1 and words:
                sentences.append(Sentence("".join(pieces), words, begins[row]))
                pieces, words, place = [], [], 0
            form, before, after = self._form(doc, row, orth)
            gap = gap or before
            if form:
                if gap and words:
                    pieces.append(" ")
                    place += 1
                function = self._is_function(form, parts[row])
                end = begins[row + 1] - spaced[row]
                words.append(Word(place, place + len(form), function, begins[row], end))
                pieces.append(form)
                place += len(form)
                gap = False
            gap = gap or after or bool(spaced[row])
        if words:
            sentences.append(Sentence("".join(pieces), words, begins[-1]))
        return sentences

    def _is_function(self, form: str, part: int) -> bool:
        if self.trained:
            return part in self._function_parts
        return form in self._function_words

    def _form(self, doc: Any, row: int, orth: int) -> _Form:
        try:
            return self._forms[orth]
        except KeyError:
            whole = self._spelt(doc[row].text)
            form = _Form(" ".join(whole.split()), whole[:1].isspace(), whole[-1:].isspace())
            self._forms[orth] = form
            return form


def _part_of_speech_ids(names: Sequence[str]) -> frozenset[int]:
    from spacy import symbols

    return frozenset(getattr(symbols, name) for name in names)


def _pipeline(language: Language) -> tuple[Any, bool]:
    """spaCy pipeline, and whether it is a trained one."""
    import spacy
    from spacy.util import compile_infix_regex, is_package

    installed = [name for name in language.spacy_trained if is_package(name)]
    if installed:
        nlp = spacy.load(installed[0], exclude=list(_UNUSED))
    else:
        nlp = spacy.blank(language.spacy_blank)
    # one rule for all pipelines, so that a trained one changes the filter and not the sentences
    nlp.add_pipe("sentencizer")
    infixes = [*(nlp.Defaults.infixes or ()), _GLUED]
    nlp.tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
    nlp.max_length = _MAX_CHARS
    return nlp, bool(installed)
