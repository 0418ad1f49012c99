"""The rules for what a word is, where a rule needs no language's resources."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_WORD_OR_SIGN = re.compile(r"\w+|[^\w\s]")


def composed(text: str) -> str:
    """Text in Unicode's composed form (NFC): equal where it looks equal."""
    return unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """What stands between white space, as written: numbers and signs count, in any script.

    ``"TA 14/9, l'HTA ++"`` to TA, 14/9, (with its comma), l'HTA and ++.
    """
    return text.split()


def lower_words(text: str) -> list[str]:
    """`words` in lower case and Unicode's composed form (NFC), for comparing texts word for word:
    neither a capital nor an accent written in two characters hides a copy.
    """
    return words(composed(text.lower()))


def words_and_signs(text: str) -> list[str]:
    """Words and single signs in lower case and composed form (NFC); any script.

    ``"TA 14/9, l'HTA"`` to ta, 14, /, 9, the comma, l, ' and hta.
    """
    return _WORD_OR_SIGN.findall(composed(text.lower()))


def alphanumeric_words(text: str) -> list[str]:
    """Runs of letters, their accents and digits, in lower case and composed form (NFC).

    Of ASCII text these are the tokens of the library rouge-score, in whose terms a published
    measure is defined; that library cuts a word at every accent and sees nothing in Cyrillic.
    ``"TA 14/9, l'HTA ++"`` to ta, 14, 9, l, hta.
    """
    return _alphanumeric().findall(composed(text.lower()).replace("_", " "))


@cache
def _alphanumeric() -> re.Pattern[str]:
    # accents that have no composed form with their letter (stressed Cyrillic vowels) are characters
    # of their own; one that follows no letter (an emoji's variation sign) makes no word
    marks = "".join(
        chr(point) for point in range(0x10000) if unicodedata.category(chr(point))[0] == "M"
    )
    return re.compile(rf"\w[\w{re.escape(marks)}]*")
