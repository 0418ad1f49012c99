"""Text as data: normal form, words, n-grams, section titles, and dictionary terms in it.

What a language needs stands in ``languages/<code>.yaml``; no language name is in the code.
"""

from synthfr.text.headings import strip_headings
from synthfr.text.language_resources import Language, language
from synthfr.text.normalise import normalise
from synthfr.text.tokens import words

__all__ = ["Language", "language", "normalise", "strip_headings", "words"]
