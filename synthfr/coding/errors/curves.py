"""F1 by code and by document, and its mean along an axis: frequency in training, or length.

Several coders are drawn over the same bins, so that their curves can be laid on one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.metrics import Bools, Floats

Bins = NDArray[np.int64]
NO_BIN = -1
FEWEST_CODES = 2  # in a bin: the mean of one code's F1 is that code's


def label_f1(truth: Bools, predicted: Bools) -> Floats:
    """F1 of each code, 2 hits / (true + predicted), shape (n_labels,); NaN for a code that no
    document has.
    """
    return _f1(truth, predicted, axis=0)


def document_f1(truth: Bools, predicted: Bools) -> Floats:
    """F1 of each document's code set, shape (n_documents,); NaN for a document without a true
    code: whatever is predicted there, there is no recall.
    """
    return _f1(truth, predicted, axis=1)


def _f1(truth: Bools, predicted: Bools, axis: int) -> Floats:
    hits = (truth & predicted).sum(axis=axis)
    positives = truth.sum(axis=axis)
    found: Floats = np.divide(
        2.0 * hits,
        positives + predicted.sum(axis=axis),
        out=np.full(len(positives), np.nan),
        where=positives > 0,
    )
    return found


def bins_of(x: Floats, n_bins: int) -> Bins:
    """The quantile bin of each point, counted from 0, shape (n,); `NO_BIN` where x is NaN.

    Equal values share a bin, so that there may be fewer bins than `n_bins`, of unequal size.
    """
    found = np.full(len(x), NO_BIN, dtype=np.int64)
    defined = np.isfinite(x)
    if defined.any():
        edges = np.quantile(x[defined], np.linspace(0, 1, n_bins + 1)[1:-1])
        places = np.searchsorted(edges, x[defined], side="left")
        found[defined] = np.unique(places, return_inverse=True)[1].reshape(-1)
    return found


@dataclass(frozen=True)
class Curve:
    """Points along an axis, in bins; `x`: shape (n,), `bins`: see `bins_of`."""

    x: Floats
    bins: Bins

    @classmethod
    def over(cls, x: Floats, n_bins: int) -> Curve:
        return cls(x, bins_of(x, n_bins))

    def means(self, y: Floats) -> Floats:
        """Mean of the y (shape (n,)) that are defined in each bin, shape (n_bins,); NaN in a bin
        without one.
        """
        used = (self.bins != NO_BIN) & np.isfinite(y)
        n_bins = int(self.bins.max(initial=NO_BIN)) + 1
        total = np.bincount(self.bins[used], weights=y[used], minlength=n_bins)
        count = np.bincount(self.bins[used], minlength=n_bins)
        found: Floats = np.divide(total, count, out=np.full(n_bins, np.nan), where=count > 0)
        return found


def by_length(
    lengths: Floats, of_coders: Mapping[str, Floats], n_bins: int, limit: Limit
) -> dict[str, Any]:
    """The curves of document F1 against length in words: ``bin=1/{words,documents,<coder>}``,
    None in the place of a bin that may not be told (`Limit.told`).

    Args:
        lengths: words of each document, shape (n_documents,).
        of_coders: coder -> `document_f1`.
    """
    counted = np.isfinite(next(iter(of_coders.values())))
    curve = Curve.over(np.where(counted, lengths, np.nan), n_bins)
    held = {one: np.asarray(curve.bins == one) for one in range(curve.bins.max(initial=NO_BIN) + 1)}
    shown = limit.told(held)
    means = {"words": curve.means(curve.x)} | {
        name: curve.means(y) for name, y in of_coders.items()
    }
    return {
        f"bin={one + 1}": {"documents": int(documents.sum())}
        | {name: float(values[one]) for name, values in means.items()}
        if one in shown
        else None
        for one, documents in held.items()
    }


def by_frequency(
    frequency: Floats,
    truth: Bools,
    of_coders: Mapping[str, Floats],
    n_bins: int,
    limit: Limit,
    learnt_from: NDArray[np.int64],
) -> dict[str, Any]:
    """The curves of label F1 against frequency: ``bin=1/{frequency,codes,documents,<coder>}``,
    frequency being the geometric mean over the bin's codes.

    A bin is told where it has two codes, and documents of enough patients with one of them both in
    training and where the coders are judged. The mean over all codes (``macro_f1_present``) is told
    elsewhere, from which a single bin that is not told, or bins of too few patients, would follow:
    `Limit.told` holds others back until that is over.

    Args:
        frequency: training documents that have each code, fitted on or not, shape (n_labels,);
            codes with none are left out.
        truth: of the documents that the coders are judged on.
        of_coders: coder -> `label_f1`.
        limit: of those documents.
        learnt_from: patients who have each code, in training, shape (n_labels,).
    """
    counted = np.isfinite(next(iter(of_coders.values()))) & (frequency > 0)
    log = np.log(frequency, out=np.full(len(frequency), np.nan), where=counted)
    curve = Curve.over(log, n_bins)
    means = {name: curve.means(y) for name, y in of_coders.items()}
    bins = range(curve.bins.max(initial=NO_BIN) + 1)
    held = {one: np.asarray(truth[:, curve.bins == one].any(axis=1)) for one in bins}
    codes = {one: int((curve.bins == one).sum()) for one in bins}
    barred = [
        one
        for one in bins
        # of training, no fewer patients than the code has that most have
        if codes[one] < FEWEST_CODES or int(learnt_from[curve.bins == one].max()) < limit.least
    ]
    shown = limit.told(held, barred, none_alone=True)
    return {
        f"bin={one + 1}": {
            "frequency": float(np.exp(log[curve.bins == one].mean())),
            "codes": codes[one],
            "documents": int(held[one].sum()),
        }
        | {name: float(values[one]) for name, values in means.items()}
        if one in shown
        else None
        for one in bins
    }
