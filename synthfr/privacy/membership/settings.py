"""Parameters `privacy.membership`: see the comments in params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synthfr.section import Count, Positive, Section


class Membership(Section):
    """See the comments in params.yaml."""

    order: Count = 6
    pull: Positive = 0.5
    tuned_epochs: Annotated[int, Field(ge=0)] = 0
