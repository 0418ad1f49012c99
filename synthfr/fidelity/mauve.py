"""A MAUVE-like divergence: the area under the divergence curve of two quantised clouds.

After Pillutla et al. 2021, "MAUVE: Measuring the Gap Between Neural Text and Human Text". Like
theirs: k-means over both clouds together, a tenth as many clusters as the smaller cloud has
vectors, mixtures, scaling by 5. Unlike theirs: the embeddings are the project's own (GPT-2 reads no
hospital's abbreviations), so that the numbers compare with each other and not with published ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SCALING = 5.0
_MIXTURES = 25
_VECTORS_PER_CLUSTER = 10
_MOST_CLUSTERS = 500
_STARTS = 3  # of k-means; the best one is kept


def mauve(one: Floats, other: Floats, seed: int) -> float:
    """In (0, 1]: 1 where both fill the clusters alike; clouds without a common cluster have about
    0.004. Shapes (n, d) and (m, d); `seed` of k-means, in [0, 2**32).
    """
    from sklearn.cluster import KMeans

    clusters = min(len(one), len(other)) // _VECTORS_PER_CLUSTER
    both = np.vstack([one, other])
    clusters = max(2, min(clusters, _MOST_CLUSTERS, len(np.unique(both, axis=0))))
    if len(np.unique(both, axis=0)) < 2:
        return 1.0
    places = KMeans(clusters, n_init=_STARTS, random_state=seed).fit_predict(both)
    shares = [
        np.bincount(part, minlength=clusters) / len(part)
        for part in (places[: len(one)], places[len(one) :])
    ]
    return curve_area(shares[0], shares[1])


def curve_area(one: Floats, other: Floats) -> float:
    """Area under the curve of (exp(-5 KL(Q|R)), exp(-5 KL(P|R))), R = λP + (1-λ)Q, λ from 0 to 1,
    its ends on the axes. `one`, `other`: P and Q, shares of the same kinds, shape (n_kinds,).
    """
    weights = np.linspace(1e-6, 1 - 1e-6, _MIXTURES)
    points = [(0.0, 1.0)]
    for weight in weights[::-1]:
        mixed = weight * one + (1 - weight) * other
        points.append((np.exp(-SCALING * _kl(other, mixed)), np.exp(-SCALING * _kl(one, mixed))))
    points.append((1.0, 0.0))
    across, up = np.array(points).T
    return float(np.trapezoid(up, across))


def _kl(shares: Floats, of: Floats) -> float:
    """KL divergence in nats; `of` is above 0 wherever `shares` is."""
    filled = shares > 0
    return float((shares[filled] * np.log(shares[filled] / of[filled])).sum())
