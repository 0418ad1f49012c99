"""Codes in one spelling, and what they are part of.

Taken as ICD-10: a category (letter, digit, digit; ICD-10-CM also has a third place A or B), then up
to four places behind the dot (digits in WHO's list and CIM-10; digits and letters in ICD-10-CM),
then ATIH's ``+`` extension of CIM-10.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from synthfr.errors import UserError

_CODE = re.compile(r"([A-Z][0-9][0-9AB])(?:\.?([0-9A-Z]{1,4}))?(?:\.?\+([0-9]{1,2}))?[†*+]?")


def is_code(text: str) -> bool:
    """Whether `text` has the form of an ICD-10 code, in a spelling `normalise_code` reads."""
    return _CODE.fullmatch(text.strip().upper()) is not None


def normalise_code(code: str) -> str:
    """The code in upper case, dotted: ``i10`` to ``I10``, ``E119`` to ``E11.9``, ``C16.9+0`` kept.

    Dagger and asterisk marks behind it are dropped.

    Raises:
        UserError: if it has not the form of an ICD-10 code. The message does not repeat it, as it
            may be private text.
    """
    match = _CODE.fullmatch(code.strip().upper())
    if match is None:
        raise UserError(
            "Not an ICD-10 code: write a letter, two digits and what follows, as in I10 or E11.9."
        )
    head, rest, extension = match.groups()
    return head + (f".{rest}" if rest else "") + (f"+{extension}" if extension else "")


def category(code: str) -> str:
    """The first three places: ``E11.9`` to ``E11``."""
    return normalise_code(code)[:3]


def related(one: str, other: str) -> bool:
    """Whether two normalised codes are equal, or one is part of the other (``E11``, ``E11.9``)."""
    return one.startswith(other) or other.startswith(one)


def broader(code: str) -> str | None:
    """The next wider normalised code: ``E11.98`` to ``E11.9`` to ``E11`` to None."""
    if len(code) <= 3:
        return None
    return code.partition("+")[0] if "+" in code else code[:-1].rstrip(".")


def is_condition(code: str) -> bool:
    """Whether the code is of a disease, symptom or injury (chapters I to XIX), and not of an
    external cause, a contact with health services, a status or a special purpose (XX to XXII).
    """
    return code[0] < "U"


def nearest(code: str | None, known: Collection[str]) -> str | None:
    """The code itself or the narrowest wider one that is `known`; None where there is none."""
    while code is not None and code not in known:
        code = broader(code)
    return code


def label_space(documents: Iterable[Sequence[str]], top_k: int) -> list[str]:
    """The `top_k` categories that most documents have, most frequent first, ties by name.

    `documents` holds each document's codes; fewer categories come back where there are fewer.
    """
    counts = Counter(head for codes in documents for head in {category(code) for code in codes})
    return sorted(counts, key=lambda head: (-counts[head], head))[:top_k]
