"""Numbers that point at one person: telephones, personal numbers with check digits, records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from synthfr.errors import UserError
from synthfr.privacy.identifiers.spelling import Span, alternatives
from synthfr.text.identifier_cues import IdentifierCues, PersonalNumber

_BLANK = r"[ \t\xa0\u2009\u202f]"
# digits in groups, one separator between two of them; Corsica's department is 2A or 2B
_GROUPS = re.compile(rf"(?<![\w.,])\d+[AB]?\d*(?:(?:{_BLANK}|[-+.])\d+[AB]?\d*)*(?!\w)")
_GROUP = re.compile(r"\d+[AB]?\d*")
# as many digits as a telephone has, with what stands between them
_TELEPHONE = re.compile(
    rf"(?<![\w.,/])(?:\+|00)?\(?\d(?:{_BLANK}?[-./()]?{_BLANK}?\d){{7,14}}(?!\w)"
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?!\w)")
_NEVER = re.compile(r"(?!)")


class PersonalNumbers:
    """Finds the national numbers of one language's countries; one with a wrong check digit is
    none.
    """

    def __init__(self, cues: IdentifierCues) -> None:
        self._kinds = [(_module(kind), kind) for kind in cues.personal_numbers]
        self._lengths = {length for _, kind in self._kinds for length in kind.lengths}
        self._longest = max(self._lengths, default=0)

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """Module and characters that tell the person, ``"se.personnummer 8803200016"``."""
        if not self._kinds:
            return
        for match in _GROUPS.finditer(text):
            if match.end() - match.start() >= min(self._lengths):
                yield from self._among(text, match.span())

    def _among(self, text: str, span: Span) -> Iterator[tuple[str, Span]]:
        """A number may stand beside others: every run of whole groups is tried."""
        groups = [one.span() for one in _GROUP.finditer(text, *span)]
        first = 0
        while first < len(groups):
            start = groups[first][0]
            after, n_characters = first + 1, 0
            for last in range(first, min(first + self._longest, len(groups))):
                begin, end = groups[last]
                n_characters += end - begin
                if n_characters in self._lengths and (
                    value := self._value(text[start:end], n_characters)
                ):
                    yield value, (start, end)
                    after = last + 1
                if after > first + 1 or n_characters > self._longest:
                    break
            first = after

    def _value(self, written: str, n_characters: int) -> str | None:
        for module, kind in self._kinds:
            if n_characters in kind.lengths and module.is_valid(written):
                kept = "".join(filter(str.isalnum, written))[-kind.significant :]
                return f"{kind.module} {kept}"
        return None


class Telephones:
    """Finds telephone numbers that exist in the numbering plan of a region, or of the country
    whose code they begin with.
    """

    def __init__(self, cues: IdentifierCues) -> None:
        import phonenumbers

        unknown = set(cues.phone_regions) - phonenumbers.SUPPORTED_REGIONS
        if unknown:
            raise UserError(
                f"identifiers.phone_regions of a language file names {sorted(unknown)[0]!r}, which "
                "is no region of the library phonenumbers: write its two letters, as in FR."
            )
        self._regions = cues.phone_regions

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """In the form of E.164, ``"+33145678910"``."""
        import phonenumbers

        for match in _TELEPHONE.finditer(text):
            written = match.group()
            for region in self._regions:
                # it knows dates, and what a number is never next to
                found = next(iter(phonenumbers.PhoneNumberMatcher(written, region)), None)
                if found is not None:
                    value = phonenumbers.format_number(
                        found.number, phonenumbers.PhoneNumberFormat.E164
                    )
                    start = match.start() + found.start
                    yield value, (start, start + len(found.raw_string))
                    break


class Records:
    """Finds numbers behind a field for records: five characters or more, most of them digits."""

    def __init__(self, cues: IdentifierCues) -> None:
        fields = alternatives(cues.record_fields)
        sign = rf"(?:{alternatives(cues.number_signs)})?"
        between = rf"{_BLANK}*{sign}{_BLANK}*[:=]?{_BLANK}*{sign}{_BLANK}*"
        number = r"(?P<number>[^\W\d_]{0,4}[-/]?\d(?:[-/]?\d){3,19})(?![\w]|[.,]\d)"
        pattern = rf"(?<!\w)(?:{fields}){between}{number}"
        self._pattern = re.compile(pattern, re.I) if cues.record_fields else _NEVER

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """Its letters and digits, ``"A1234567"``."""
        for match in self._pattern.finditer(text):
            value = "".join(filter(str.isalnum, match["number"])).upper()
            if len(value) >= 5:
                yield value, match.span("number")


class Mails:
    """Finds e-mail addresses."""

    def find(self, text: str) -> Iterator[tuple[str, Span]]:
        """In lower case."""
        if "@" in text:
            for match in _MAIL.finditer(text):
                yield match.group().lower(), match.span()


def _module(kind: PersonalNumber) -> ModuleType:
    try:
        return import_module(f"stdnum.{kind.module}")
    except ModuleNotFoundError:
        raise UserError(
            f"identifiers.personal_numbers of a language file names {kind.module!r}, which is no "
            "module of the library python-stdnum: write one, as in fr.nir."
        ) from None
