"""Keywords to prompt: one place for training, generation and the sample command.

A template is a text file beside this module with one ``{keywords}`` slot:
``<template>.<language>.txt``, or ``<template>.txt`` for all languages that have none of their own.
The completion that follows a prompt is the bare text of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from synthfr.errors import UserError
from synthfr.section import Section


class Prompt(Section):
    template: Annotated[str, Field(min_length=1)] = "plain"


SLOT = "{keywords}"


def render(keywords: Sequence[str], template: str, language: str) -> str:
    """The prompt that asks for a report about ``keywords``, kept in their order.

    Raises:
        UserError: if there is no keyword, or no such template in this language.
    """
    if not keywords:
        raise UserError("A prompt needs at least one keyword: give some, comma-separated.")
    return template_text(template, language).replace(SLOT, ", ".join(keywords))


@cache
def template_text(template: str, language: str) -> str:
    """The text of a template, with its ``{keywords}`` slot."""
    folder = files(__package__)
    own, common = (folder.joinpath(f"{template}{end}.txt") for end in (f".{language}", ""))
    resource = own if own.is_file() else common
    if not resource.is_file():
        known = ", ".join(
            sorted(entry.name[:-4] for entry in folder.iterdir() if entry.name.endswith(".txt"))
        )
        raise UserError(
            f"prompt.template: there is no template '{template}' in the language of a report; "
            f"choose one of: {known}."
        )
    return resource.read_text("utf-8")
