"""Does F1 rise with a code's frequency, or with a document's length?"""

from __future__ import annotations

import numpy as np

from synthfr.bootstrap import Owners, n_patients, percentile_interval
from synthfr.coding.errors.resampling import RESAMPLES, drawn
from synthfr.coding.metrics import Floats

FEWEST = 4  # points, of as many owners, that a correlation is told of


def correlations(
    x: Floats,
    y: Floats,
    owners: Owners,
    seed: int,
    purpose: str,
    resamples: int = RESAMPLES,
) -> dict[str, dict[str, float] | None]:
    """Pearson's r and Spearman's rho with 95 % bootstrap intervals over the points' owners.

    Args:
        x, y: shape (n,); points where one of them is NaN are left out.
        owners: of documents, a number for the patient of each, shape (n,); codes are drawn singly,
            each with a number of its own.
        purpose: names the draw, with `seed`.

    Returns:
        ``pearson`` and ``spearman``: ``{"mean", "low", "high"}``; None below four points or
        owners, or where x or y is the same everywhere.
    """
    from scipy.stats import rankdata

    defined = np.isfinite(x) & np.isfinite(y)
    x, y = x[defined].astype(np.float64), y[defined].astype(np.float64)
    owners = np.unique(owners[defined], return_inverse=True)[1].reshape(-1)
    n = n_patients(owners)
    if n < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return {"pearson": None, "spearman": None}
    blocks: dict[str, list[Floats]] = {"pearson": [], "spearman": []}
    for rows in drawn(owners, resamples, seed, purpose):
        blocks["pearson"].append(_pearson(x[rows], y[rows]))
        ranks = rankdata(x[rows], axis=1), rankdata(y[rows], axis=1)
        blocks["spearman"].append(_pearson(*ranks))
    estimates = {
        "pearson": _pearson(x[None], y[None]),
        "spearman": _pearson(rankdata(x)[None], rankdata(y)[None]),
    }
    return {
        name: percentile_interval(float(one[0]), np.concatenate(blocks[name]), n).as_dict()
        for name, one in estimates.items()
    }


def _pearson(x: Floats, y: Floats) -> Floats:
    """Of each row, NaN where one side is constant: shape (rows,)."""
    x, y = (one - one.mean(axis=1, keepdims=True) for one in (x, y))
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    # rounding leaves a constant row a spread just above 0
    constant = spread <= 1e-12 * x.shape[1]
    product = (x * y).sum(axis=1)
    found: Floats = np.divide(product, spread, out=np.full(len(x), np.nan), where=~constant)
    return found
