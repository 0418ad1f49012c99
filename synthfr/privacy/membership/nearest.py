"""Membership by the nearest neighbour: a private report of which some synthetic text is a copy, or
another wording, is more similar to it than to what other reports are to any (GAN-Leaks: Chen et al.
2020, arXiv 1909.03935).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synthfr.privacy.findings import Finding
from synthfr.privacy.membership.attack import membership_finding
from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.sides import Sides
from synthfr.privacy.term_vectors import TermVectors

Floats = NDArray[np.float64]
_DIGITS = 9  # of a cosine; what is beyond is rounding


class NearestNeighbour:
    """See the module. State: of each private report the highest cosine, shape (n_reports,).

    `vectors`: of the texts of the sides, where there are some already.
    """

    name = "membership_nearest"

    def __init__(
        self,
        sides: Sides,
        settings: Membership,
        random_seed: int,
        vectors: TermVectors | None = None,
    ) -> None:
        self._sides, self._random_seed = sides, random_seed
        self._vectors = vectors or TermVectors(sides.texts)
        self._reports = self._vectors.of(sides.texts)

    def measure(self, texts: Sequence[str]) -> Floats:
        best = np.zeros(len(self._sides.texts))
        for _, vectors in self._vectors.blocks(texts):
            cosines = (self._reports @ vectors.T).max(axis=1)
            best = np.maximum(best, cosines.toarray().round(_DIGITS))
        return best

    def join(self, one: Floats, more: Floats) -> Floats:
        return np.maximum(one, more)

    def finding(self, state: Floats) -> Finding:
        return membership_finding(self.name, self._sides, state, self._random_seed)
