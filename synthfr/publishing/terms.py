"""What a card tells beside the thing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthfr.privacy.gate import Acceptance


@dataclass(frozen=True)
class Terms:
    """`licence` is front matter (`models.licences`), `audit` the figures of the step's privacy
    audit (None: there are none), `repo` the name on the hub, where it has one; `accepted` who
    answers for a failed audit.
    """

    licence: Mapping[str, str]
    audit: Mapping[str, Any] | None
    repo: str | None
    accepted: Acceptance | None = None
