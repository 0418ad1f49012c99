"""How far two samples of one quantity are apart: of kinds (Jensen-Shannon), of numbers (KS)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
from numpy.typing import ArrayLike


def jensen_shannon(one: Mapping[Hashable, float], other: Mapping[Hashable, float]) -> float | None:
    """Jensen-Shannon divergence, base 2, in [0, 1], of two distributions given as counts by kind
    (Lin 1991): (KL(P|M) + KL(Q|M)) / 2, M = (P + Q) / 2. 0: the same shares; 1: no kind in common.
    None where one side counts nothing.
    """
    kinds = sorted({*one, *other}, key=repr)
    counts = np.array([[side.get(kind, 0) for kind in kinds] for side in (one, other)], np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    if not totals.all():
        return None
    shares = counts / totals
    middle = shares.mean(axis=0)
    parts = np.zeros_like(shares)
    np.divide(shares, middle, out=parts, where=shares > 0)
    np.log2(parts, out=parts, where=shares > 0)
    return float(np.clip((shares * parts).sum(axis=1).mean(), 0.0, 1.0))


def kolmogorov_smirnov(one: ArrayLike, other: ArrayLike) -> float:
    """The two-sample statistic in [0, 1]: largest difference of the two cumulative shares (Smirnov
    1939). Samples of at least one number; an empty one is a ValueError.
    """
    samples = [np.sort(np.asarray(sample, dtype=np.float64)) for sample in (one, other)]
    if not all(sample.size for sample in samples):
        raise ValueError("a sample of no number has no distribution")
    places = np.concatenate(samples)
    shares = [np.searchsorted(sample, places, "right") / sample.size for sample in samples]
    return float(np.abs(shares[0] - shares[1]).max())
