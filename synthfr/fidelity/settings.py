"""Parameters `fidelity`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from synthfr.scoring.sentence_transformers import SentenceTransformersSettings
from synthfr.section import Count, NonNegative, Section, Share


class Distances(Section):
    """Parameters `fidelity.distances`: see the comments in params.yaml."""

    reports: Count = 2000
    fewest: Annotated[int, Field(ge=20, le=10**6)] = 50
    repeats: Annotated[int, Field(ge=1, le=100)] = 5
    encoder: SentenceTransformersSettings = SentenceTransformersSettings()


class Fidelity(Section):
    """Parameters `fidelity`: see the comments in params.yaml."""

    min_keyword_recall: Share | None = None
    min_code_recall: Share | None = 0.9
    max_wrong_codes: NonNegative | None = 1.0
    distances: Distances = Distances()
