"""Texts with slots, in the language of a report: what a model is asked or told.

A template is a text file of a package: ``<name>.<language>.txt`` where the language has its own,
else the common ``<name>.txt``, which is English and says ``{language}`` where it names the
language. So no language needs a template.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from synthfr.text.language_names import english_name

_LANGUAGE = "{language}"


@cache
def template(package: str, name: str, language: str) -> str | None:
    """The template `name` of `package` for reports in `language`, a code such as ``"sv"``.

    Its other slots are left as they are. None where the package has no such template.

    Raises:
        UserError: if the common one names the language, and there is no file for it.
    """
    folder = files(package)
    for end in (f".{language}", ""):
        resource = folder.joinpath(f"{name}{end}.txt")
        if resource.is_file():
            return in_language(resource.read_text("utf-8"), language)
    return None


def in_language(text: str, language: str) -> str:
    """A template's text with the language's English name in its ``{language}`` slot, if it has one.

    Raises:
        UserError: if it has one, and there is no file for the language.
    """
    return text.replace(_LANGUAGE, english_name(language)) if _LANGUAGE in text else text


def template_names(package: str) -> tuple[str, ...]:
    """The templates of a package, each with a common version."""
    entries = (entry.name for entry in files(package).iterdir())
    return tuple(sorted(re.findall(r"^([^.\n]+)\.txt$", "\n".join(entries), re.MULTILINE)))
