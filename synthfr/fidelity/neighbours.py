"""Precision, recall, density and coverage of a cloud of vectors against a real one.

Distances are computed block by block, so that memory does not grow with the product of the sizes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]

NEAREST = 5  # Naeem et al.'s choice
_CELLS = 1 << 22  # distances held at once: 32 MB


@dataclass(frozen=True)
class Neighbourhoods:
    """Shares in [0, 1], but `density`, which may pass 1.

    Attributes:
        precision: of synthetic vectors, those within some real vector's neighbourhood.
        recall: of real vectors, those within some synthetic vector's.
        density: real neighbourhoods that a synthetic vector lies in, mean, over `nearest`.
        coverage: of real vectors, those whose neighbourhood holds a synthetic one.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhoods(real: Floats, made: Floats, nearest: int = NEAREST) -> Neighbourhoods:
    """Of `made` against `real`, shapes (n, d) and (m, d).

    A vector's neighbourhood reaches to the `nearest`-th other one of its own cloud, its border left
    out. Precision and recall: Kynkäänniemi et al. 2019; density and coverage: Naeem et al. 2020,
    "Reliable Fidelity and Diversity Metrics for Generative Models", eq. 4 and 5. Equal clouds
    without ties have 1 everywhere. Where more than `nearest` vectors are equal their neighbourhood
    is empty.

    Raises:
        ValueError: if a cloud has no more than `nearest` vectors.
    """
    if min(len(real), len(made)) <= nearest:
        raise ValueError(f"a neighbourhood of {nearest} takes more than {nearest} vectors")
    real_radius, made_radius = _radii(real, nearest), _radii(made, nearest)
    surrounding = np.zeros(len(made), dtype=np.int64)  # real neighbourhoods around each
    recalled = np.zeros(len(real), dtype=np.bool_)
    covered = np.zeros(len(real), dtype=np.bool_)
    for rows, distance in _blocks(real, made):
        inside = distance < real_radius[rows, None]
        surrounding += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distance < made_radius).any(axis=1)
    return Neighbourhoods(
        precision=float((surrounding > 0).mean()),
        recall=float(recalled.mean()),
        density=float(surrounding.mean() / nearest),
        coverage=float(covered.mean()),
    )


def _radii(cloud: Floats, nearest: int) -> Floats:
    """Distance to the `nearest`-th other vector, shape (n,): the vector itself is the first."""
    radii = np.empty(len(cloud))
    for rows, distance in _blocks(cloud, cloud):
        radii[rows] = np.partition(distance, nearest, axis=1)[:, nearest]
    return radii


def _blocks(one: Floats, other: Floats) -> Iterator[tuple[slice, Floats]]:
    """Euclidean distances of some rows of `one` to all of `other`, block by block.

    Each is summed from the two vectors' own differences, so that a pair has the same one in every
    block: a copy of a vector's neighbour lies on the border exactly. A product of matrices, though
    faster in many dimensions, rounds otherwise from block to block.
    """
    step = max(1, _CELLS // len(other))
    for start in range(0, len(one), step):
        rows = slice(start, min(start + step, len(one)))
        yield rows, cdist(one[rows], other)
