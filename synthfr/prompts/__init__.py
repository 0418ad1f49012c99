"""Keywords to prompt: one place for training, generation and the sample command.

A template (`text.templates`) is a text file with a ``{keywords}`` slot: one beside this module, by
its name, or the user's own, by its path. The completion that follows a prompt is the bare text of
the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from synthfr.errors import UserError
from synthfr.section import NOTHING_TO_WATCH, Section
from synthfr.text import templates

SLOT = "{keywords}"


class Prompt(Section):
    """Parameters `prompt`: see the comments in params.yaml."""

    template: Annotated[str, Field(min_length=1)] = "plain"
    watch: str = NOTHING_TO_WATCH

    @model_validator(mode="after")
    def _is_there_and_watched(self) -> Prompt:
        """UserError for what is no template: it is told before any work starts."""
        if not is_file(self.template) and self.template not in templates.template_names(
            __package__
        ):
            raise _unknown(self.template)
        if is_file(self.template):
            _own_template(Path(self.template).resolve(), self.template)
            if Path(self.watch) != Path(self.template):
                raise ValueError(
                    f"template is a file, and watch is '{self.watch}': name the file there too, so "
                    "that DVC notices when it changes"
                )
        return self


def is_file(template: str) -> bool:
    """Whether a template is named by its path, not one of those beside this module."""
    return "/" in template or template.endswith(".txt")


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
    if is_file(template):
        return templates.in_language(_own_template(Path(template).resolve(), template), language)
    text = templates.template(__package__, template, language)
    if text is None:
        raise _unknown(template)
    return text


def _unknown(template: str) -> UserError:
    return UserError(
        f"prompt.template: there is no template '{template}'; choose one of: "
        f"{', '.join(templates.template_names(__package__))}; or name a text file of your own (its "
        "path has a slash in it, or ends in .txt)."
    )


@cache
def _own_template(path: Path, named: str) -> str:
    """The text of the user's file, `named` so in params.yaml; line ends as in shipped ones."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            f"prompt.template: {named} is not there: correct the path, or put the file there."
        ) from None
    except UnicodeDecodeError:
        raise UserError(f"prompt.template: {named} is not UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise UserError(
            f"prompt.template: {named} cannot be read ({error.strerror}): name a text file that "
            "you may read."
        ) from None
    if SLOT not in text:
        raise UserError(
            f"prompt.template: {named} has no {SLOT}, the place of the keywords: write it there."
        )
    return text
