"""Which model a stage loads, and how large that is, before anything is loaded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.coding.plm_icd import PlmIcdSettings
from synthfr.disk import read_json
from synthfr.models import architecture
from synthfr.models.architecture import Architecture
from synthfr.models.base import PROVENANCE, TINY_BASE
from synthfr.pipeline import layout

if TYPE_CHECKING:
    from synthfr.coding.fine_tuning import FineTuning
    from synthfr.models.base import Base
    from synthfr.pipeline.parameters import Params

_SIZES = {"large": 0.4e9, "base": 0.15e9, "BioLORD": 0.28e9}  # of encoders whose name says no more


def size_of(name: str) -> tuple[float, float]:
    """Weights in all, and those that a token passes through: by the model's configuration file
    (`architecture.found`), else as its name tells them: ``...-4B-...``, ``...-30B-A3B-...``,
    ``...-large``; 0 when it tells nothing.
    """
    if made := architecture.found(name):
        return float(made.parameters), float(made.active)
    if found := re.search(r"(\d+(?:\.\d+)?)B(?:-A(\d+(?:\.\d+)?)B)?(?![a-z])", name):
        total = float(found[1]) * 1e9
        return total, float(found[2]) * 1e9 if found[2] else total
    known = (size for word, size in _SIZES.items() if word in name)
    size = next(known, 0.0)
    return size, size


def base(settings: Base) -> tuple[str, Architecture | None]:
    """The base's name, and what its configuration file says; that of the base stage's output where
    it is of this base.
    """
    if settings.source == "tiny":
        return "the shipped tiny base", architecture.found(str(TINY_BASE))
    if settings.source == "local":
        return settings.path or "", architecture.found(settings.path or "")
    name = f"{settings.repo_id}@{settings.revision}"
    provenance = layout.BASE / PROVENANCE
    if provenance.is_file():
        made = read_json(provenance)
        if (made["repo_id"], made["revision"]) == (settings.repo_id, settings.revision):
            return name, architecture.found(str(layout.BASE))
    return name, architecture.found(name)


def is_base(how: FineTuning) -> bool:
    """Whether a coder is made of the loop's own base, which need not be there yet."""
    return how.model is not None and Path(how.model) == layout.BASE


def coder(params: Params, how: FineTuning) -> tuple[str, Architecture | None]:
    """The model that a coder fine-tunes, and as much of it as is read: PLM-ICD leaves out the
    layers behind `layers`, and what a decoder has to write words with.
    """
    name, size = how.model or "", None
    if is_base(how):
        name, size = base(params.base)
    else:
        size = architecture.found(name)
    if size is not None and isinstance(how, PlmIcdSettings):
        layers = size.layers if how.layers is None else min(how.layers, size.layers)
        size = replace(size, layers=layers, tied=True)
    return name, size
