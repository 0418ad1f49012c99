"""Section titles out of a report, so that similarity compares content.

Headings are the cheapest way to look like another hospital, and say nothing about the patient.
"""

from __future__ import annotations

from synthfr.text.language_resources import Language
from synthfr.text.language_resources import language as resources
from synthfr.text.tokens import words

_MAX_TITLE_WORDS = 8


def strip_headings(text: str, language: str) -> str:
    """`text` without its titles and section headings; other lines keep their words and order.

    A heading is one that the language's resources list, at the start of a line before a colon, or
    alone on its line; a title is a short line without colon that starts like one in the resources.
    Lines left empty are dropped.
    """
    known = resources(language)
    lines = (_content(line, known) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _content(line: str, known: Language) -> str:
    line = line.strip()
    head, colon, rest = line.partition(":")
    name = known.normalise(head)
    if name in known.headings:
        return rest.strip()
    if not colon and _starts_as_title(name, known.titles) and len(words(line)) <= _MAX_TITLE_WORDS:
        return ""
    return line


def _starts_as_title(name: str, titles: tuple[str, ...]) -> bool:
    return any(name == title or name.startswith(f"{title} ") for title in titles)
