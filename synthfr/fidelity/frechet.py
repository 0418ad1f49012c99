"""Fréchet distance of two clouds of vectors, each taken as a normal distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def frechet_distance(one: Floats, other: Floats) -> float:
    """|μ1 - μ2|² + tr(Σ1 + Σ2 - 2 (Σ1^½ Σ2 Σ1^½)^½), >= 0 (Dowson and Landau 1982; of embeddings
    of images it is the FID of Heusel et al. 2017). Covariances have n - 1 below.

    Args:
        one, other: vectors, shape (n, d) and (m, d); a cloud of fewer than two is a ValueError.
            It grows as n falls (the floor, at the same n, shows by how much).
    """
    if min(len(one), len(other)) < 2:
        raise ValueError("one vector has no covariance")
    shift = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(cloud, rowvar=False)) for cloud in (one, other))
    root = _root(first)
    middle = np.linalg.eigvalsh(root @ second @ root)
    crossed = np.sqrt(np.clip(middle, 0.0, None)).sum()
    return max(0.0, float(shift @ shift + np.trace(first) + np.trace(second) - 2 * crossed))


def _root(covariance: Floats) -> Floats:
    """The symmetric square root; rounding's negative eigenvalues count as 0."""
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return root
