"""Mappings within mappings: parameters and metrics as YAML and JSON have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def flatten(nested: Mapping[str, Any], separator: str = "/") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` to ``{"a/b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= {
                f"{key}{separator}{rest}": leaf for rest, leaf in flatten(value, separator).items()
            }
        else:
            flat[str(key)] = value
    return flat
