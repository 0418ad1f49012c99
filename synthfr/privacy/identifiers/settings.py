"""Parameters of the identifier replay."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from synthfr.privacy.identifiers.finder import Kind
from synthfr.section import Section, without_doubles

Kinds = Annotated[list[Kind], AfterValidator(without_doubles)]


class Identifiers(Section):
    """Parameters `privacy.identifiers`: see the comments in params.yaml."""

    compared: Kinds = ["personal_number", "phone", "mail", "record", "name", "date"]
    never: Kinds = ["personal_number", "phone", "mail"]
