"""The form in which terms and text are compared: lower case, no accents, digits or punctuation.

Dashes become spaces; accents, digits and punctuation are removed (the original Synth-FR's rule for
its keyword extraction). A character's form does not depend on its neighbours, so that slices of a
text are normalised as they are inside it.

A language may `keep` letters whose accent makes another letter of them: Swedish "år" (year) is not
"ar", Russian "й" is not "и". Whoever knows the language calls `Language.normalise`, which does so.
"""

from __future__ import annotations

import unicodedata
from functools import cache

_LIGATURES = {"œ": "oe", "æ": "ae", "Œ": "oe", "Æ": "ae"}  # letters to Unicode


class _Forms(dict[int, str]):
    """Translation table that learns each character when it is first met."""

    def __init__(self, keep: str) -> None:
        self._keep = frozenset(keep)

    def __missing__(self, key: int) -> str:
        self[key] = form = _form(chr(key), self._keep)
        return form


def _form(character: str, keep: frozenset[str]) -> str:
    if character.isspace() or is_dash(character):
        return " "
    if (lower := character.lower()) in keep:
        return lower
    spelt = _LIGATURES.get(character, character)
    # lower case may decompose again ("İ"), hence the second pass
    lowered = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spelt).lower())
    return "".join(
        " " if part.isspace() or is_dash(part) else part
        for part in lowered
        if part.isspace() or is_dash(part) or unicodedata.category(part).startswith("L")
    )


@cache
def _forms(keep: str) -> _Forms:
    return _Forms(keep)


def is_dash(character: str) -> bool:
    """Hyphens, dashes and minus signs."""
    return unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"


def normalise(text: str, keep: str = "") -> str:
    """``"L'Hépatite-B, aiguë (2019)"`` to ``"lhepatite b aigue"``.

    Args:
        text: any text.
        keep: lower-case letters that keep their accents, each one character: ``"åäö"``.
    """
    return " ".join(spelt(text, keep).split())


def spelt(text: str, keep: str = "") -> str:
    """The normal form before its blanks are joined: ``"®´A"`` to ``" a"``."""
    if keep:
        # "a" and a combining ring are the letter "å", too
        text = unicodedata.normalize("NFC", text)
    return text.translate(_forms(keep))


class _Plain(dict[int, str]):
    def __missing__(self, key: int) -> str:
        character = chr(key)
        self[key] = plain = " " if is_dash(character) else character
        return plain


_PLAIN = _Plain({ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'"})


def plain_typography(text: str) -> str:
    """The text with dashes as spaces and straight apostrophes, for tokenisers; same length."""
    return text.translate(_PLAIN)
