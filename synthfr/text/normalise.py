"""The form in which terms and text are compared: lower case, no accents, digits or punctuation.

Dashes become spaces; accents, digits and punctuation are removed (the original Synth-FR's rule for
its keyword extraction). A character's form does not depend on its neighbours, so that slices of a
text are normalised as they are inside it.
"""

from __future__ import annotations

import unicodedata

_LIGATURES = {"œ": "oe", "æ": "ae", "Œ": "oe", "Æ": "ae"}  # letters to Unicode


class _Forms(dict[int, str]):
    """Translation table that learns each character when it is first met."""

    def __missing__(self, key: int) -> str:
        self[key] = form = _form(chr(key))
        return form


def _form(character: str) -> str:
    if character.isspace() or is_dash(character):
        return " "
    spelt = _LIGATURES.get(character, character)
    # lower case may decompose again ("İ"), hence the second pass
    lowered = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", spelt).lower())
    return "".join(
        " " if part.isspace() or is_dash(part) else part
        for part in lowered
        if part.isspace() or is_dash(part) or unicodedata.category(part).startswith("L")
    )


_FORMS = _Forms()


def is_dash(character: str) -> bool:
    """Hyphens, dashes and minus signs."""
    return unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"


def normalise(text: str) -> str:
    """``"L'Hépatite-B, aiguë (2019)"`` to ``"lhepatite b aigue"``."""
    return " ".join(spelt(text).split())


def spelt(text: str) -> str:
    """The normal form before its blanks are joined: ``"®´A"`` to ``" a"``."""
    return text.translate(_FORMS)


class _Plain(dict[int, str]):
    def __missing__(self, key: int) -> str:
        character = chr(key)
        self[key] = plain = " " if is_dash(character) else character
        return plain


_PLAIN = _Plain({ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'"})


def plain_typography(text: str) -> str:
    """The text with dashes as spaces and straight apostrophes, for tokenisers; same length."""
    return text.translate(_PLAIN)
