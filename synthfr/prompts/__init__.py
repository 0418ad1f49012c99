"""Keywords to prompt: one place for training, generation and the sample command.

A template (`text.templates`) is a text file beside this module with one ``{keywords}`` slot.
The completion that follows a prompt is the bare text of the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from synthfr.errors import UserError
from synthfr.section import Section
from synthfr.text import templates


class Prompt(Section):
    """Parameters `prompt`: see the comments in params.yaml."""

    template: Annotated[str, Field(min_length=1)] = "plain"


SLOT = "{keywords}"


def render(keywords: Sequence[str], template: str, language: str) -> str:
    """The prompt that asks for a report about ``keywords``, kept in their order.

    Raises:
        UserError: if there is no keyword, no such template, or no file for the language where the
            template names it.
    """
    if not keywords:
        raise UserError("A prompt needs at least one keyword: give some, comma-separated.")
    return template_text(template, language).replace(SLOT, ", ".join(keywords))


def template_text(template: str, language: str) -> str:
    """The text of a template, with its ``{keywords}`` slot."""
    text = templates.template(__package__, template, language)
    if text is None:
        raise UserError(
            f"prompt.template: there is no template '{template}'; choose one of: "
            f"{', '.join(templates.template_names(__package__))}."
        )
    return text
