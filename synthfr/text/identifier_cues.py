"""What the file of a language says of direct identifiers: how names, dates and numbers that point
at one person are written in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from synthfr.text.language_names import LanguageFile, language_file

_MODULE = re.compile(r"[a-z]{2}\.[a-z0-9_]+")
_DATE_ORDERS = ("dmy", "mdy")


@dataclass(frozen=True)
class PersonalNumber:
    """A national number of persons, with check digits."""

    module: str  # of python-stdnum, which knows its check digits: "fr.nir"
    lengths: tuple[int, ...]  # characters with which it is written, separators left out
    significant: int  # of these the last ones tell the person: a century may be left out


@dataclass(frozen=True)
class IdentifierCues:
    """How identifiers are introduced; all as they are written. A title counts in this case only,
    the rest in any.
    """

    titles: tuple[str, ...] = ()  # before a name: "Mme"; one that ends in a dot needs it
    name_fields: tuple[str, ...] = ()  # before a colon and a name
    particles: tuple[str, ...] = ()  # words in lower case inside a name: "de"
    not_names: tuple[str, ...] = ()  # words with a capital that end a name: "Née"
    months: tuple[tuple[str, ...], ...] = ()  # twelve lists of spellings
    day_endings: tuple[str, ...] = ()  # behind the number of a day: "st"
    date_words: tuple[str, ...] = ()  # what may stand between day and month: "of"
    date_order: str = "dmy"  # of a date in numbers: dmy | mdy; a year in front is read anywhere
    phone_regions: tuple[str, ...] = ()  # of numbers without a country code
    personal_numbers: tuple[PersonalNumber, ...] = ()
    record_fields: tuple[str, ...] = ()  # before the number of a patient's or a stay's record
    number_signs: tuple[str, ...] = ()  # between such a field and its number, beside a colon: "n°"


_KEYS = tuple(IdentifierCues.__annotations__)


@cache
def identifier_cues(code: str) -> IdentifierCues:
    """The key ``identifiers`` of a language's file; no cues where it has none.

    Raises:
        UserError: if there is no file, or a key below it is missing, unknown or ill-written.
    """
    data = language_file(code)
    if data.get("identifiers") is None:
        return IdentifierCues()
    group = data.group("identifiers")
    if unknown := sorted(set(group) - set(_KEYS)):
        raise group.wrong(unknown[0], "is none that is read: remove it, or write it")
    if group.text("date_order") not in _DATE_ORDERS:
        raise group.wrong("date_order", f"is none of {', '.join(_DATE_ORDERS)}: write one of them")
    return IdentifierCues(
        titles=group.words("titles"),
        name_fields=group.words("name_fields"),
        particles=group.words("particles"),
        not_names=group.words("not_names"),
        months=_months(group),
        day_endings=group.words("day_endings"),
        date_words=group.words("date_words"),
        date_order=group.text("date_order"),
        phone_regions=group.words("phone_regions"),
        personal_numbers=_personal_numbers(group),
        record_fields=group.words("record_fields"),
        number_signs=group.words("number_signs"),
    )


def _months(group: LanguageFile) -> tuple[tuple[str, ...], ...]:
    months = group["months"]
    if not isinstance(months, list) or len(months) != 12:
        raise group.wrong("months", "is not twelve lists of spellings: write them")
    named = LanguageFile({str(at): one for at, one in enumerate(months, 1)}, *group.place("months"))
    return tuple(named.words(str(at)) for at in range(1, 13))


def _personal_numbers(group: LanguageFile) -> tuple[PersonalNumber, ...]:
    numbers = group.group("personal_numbers")
    found = []
    for module in numbers:
        one = numbers.group(module)
        lengths = one["lengths"]
        if not isinstance(lengths, list) or not all(isinstance(n, int) for n in lengths):
            raise one.wrong("lengths", "is no list of whole numbers: write it")
        # the name is imported later: only a module of the library will do
        if not _MODULE.fullmatch(module):
            raise numbers.wrong(module, "is no module of python-stdnum: write one")
        found.append(PersonalNumber(module, tuple(lengths), one.whole("significant")))
    return tuple(found)
