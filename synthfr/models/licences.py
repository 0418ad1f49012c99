"""The licence of what a base model writes, and of what is trained on it: as the base's card says.

A guess would be a promise in somebody else's name. Where the card names none, the answer is
``other``, and whoever publishes names one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthfr import front_matter
from synthfr.models.base_languages import CARD

SHIPPED = "apache-2.0"  # the tiny base's, which is the package's own
UNKNOWN = "other"
_KEYS = ("license", "license_name", "license_link")


def licence(base: Path, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Front matter of a card: ``license``, and its name and link where the base's card has them.

    `provenance` is that of the base in the folder `base`.
    """
    if provenance["source"] == "tiny":
        return {"license": SHIPPED}
    facts = front_matter.read(base / CARD)
    named = {key: facts[key] for key in _KEYS if isinstance(facts.get(key), str)}
    return named if "license" in named else {"license": UNKNOWN}


def told(facts: Mapping[str, str]) -> str:
    """One sentence for a card about the licence that `licence` found or its publisher gave."""
    if facts["license"] == UNKNOWN and "license_name" not in facts:
        return "Not stated. The base model's card names none: ask whoever published this."
    name = facts.get("license_name", facts["license"])
    return f"`{name}`. Terms of the base model on what it writes apply as well."
