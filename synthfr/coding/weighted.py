"""Metrics as functions of document weights, for the bootstrap: what a metric would be had every
document stood in the holdout as often as a draw has it.

F1 is made of counts over documents, so all draws of it are one matrix product of weights and
per-document counts. With weights of 1 each is the metric of the same name in
`synthfr.coding.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthfr.bootstrap import Statistic, Weights
from synthfr.coding.judged import Judged
from synthfr.coding.metrics import Bools, Counts, Floats, of_documents, of_each_document


def statistic(metric: str, judged: Judged) -> Statistic:
    """`metric` of one coder's answers.

    One of ``macro_f1``, ``macro_f1_present``, ``micro_f1``, ``map``, those of `of_documents`
    (``map_document``, ``r_precision``, ``f1_at_5``, ...) and of `of_each_document`
    (``exact_match_ratio``, ``sample_jaccard``, ``hamming_loss``); else ValueError. ``map`` has to
    add up weights in the order of each label's scores: about a hundred times the
    work of ``macro_f1``.
    """
    if metric in _OF_LABELS:
        return _OF_LABELS[metric](judged)
    labelled = judged.truth.any(axis=1)
    for of_each, rows in (
        (of_each_document(judged.truth, judged.decided), np.ones_like(labelled)),
        (of_documents(judged.truth, judged.scores), labelled),
    ):
        if metric in of_each:
            return partial(_weighted_mean, of_each[metric], np.flatnonzero(rows))
    raise ValueError(f"no bootstrap of the metric {metric!r}")


def _macro_f1(judged: Judged) -> Statistic:
    """Over labels that a document of the draw has, and those that none has at all: a label whose
    few documents were not drawn says nothing of the coder, and as 0 it would bias every draw.
    """
    hits, either = _counts(judged)
    truth = judged.truth.astype(np.float32)
    never = ~judged.truth.any(axis=0)

    def of(weights: Weights) -> Floats:
        f1 = _f1(weights @ hits, weights @ either)
        return _mean_where(f1, (weights @ truth > 0) | never)

    return of


def _macro_f1_present(judged: Judged) -> Statistic:
    hits, either = _counts(judged)
    truth = judged.truth.astype(np.float32)

    def of(weights: Weights) -> Floats:
        f1 = _f1(weights @ hits, weights @ either)
        return _mean_where(f1, weights @ truth > 0)

    return of


def _micro_f1(judged: Judged) -> Statistic:
    hits, either = (part.sum(axis=1, dtype=np.float64) for part in _counts(judged))

    def of(weights: Weights) -> Floats:
        return _f1(weights @ hits, weights @ either)

    return of


def _map(judged: Judged) -> Statistic:
    orders = [_Order.of(*column) for column in zip(judged.truth.T, judged.scores.T, strict=True)]

    def of(weights: Weights) -> Floats:
        by_document = np.ascontiguousarray(weights.T)  # rows are then gathered whole
        found = [order.average_precision(by_document) for order in orders]
        precisions = np.stack(found, axis=1)
        return _mean_where(np.nan_to_num(precisions), ~np.isnan(precisions))

    return of


_OF_LABELS: dict[str, Callable[[Judged], Statistic]] = {
    "macro_f1": _macro_f1,
    "macro_f1_present": _macro_f1_present,
    "micro_f1": _micro_f1,
    "map": _map,
}


@dataclass(frozen=True)
class _Order:
    """The documents of one label in the order of its scores, as far as a true one stands.

    `order`: documents, shape (n,); of each true one, shape (n_true,): `documents`, `last`, the
    last place with its score, and `n_true`, how many true ones stand up to there.
    """

    order: Counts
    documents: Counts
    last: Counts
    n_true: Counts

    @classmethod
    def of(cls, truth: Bools, scores: NDArray[Any]) -> _Order:
        order = np.argsort(-scores, kind="stable")
        ascending = -scores[order]
        places = np.flatnonzero(truth[order])
        last = np.searchsorted(ascending, ascending[places], "right") - 1
        depth = int(last.max(initial=-1)) + 1
        return cls(order[:depth], order[places], last, np.searchsorted(places, last, "right"))

    def average_precision(self, by_document: Weights) -> Floats:
        """In each draw, NaN where no document has the label; `by_document`: weights, shape
        (n_documents, n_draws).
        """
        if not self.last.size:
            return np.full(by_document.shape[1], np.nan)
        own = by_document[self.documents]
        at_least = by_document[self.order].cumsum(axis=0)[self.last]
        true_at_least = own.cumsum(axis=0)[self.n_true - 1]
        zero = np.zeros_like(at_least)
        precision = np.divide(true_at_least, at_least, out=zero, where=at_least > 0)
        total = (own * precision).sum(axis=0, dtype=np.float64)
        return _ratio(total, own.sum(axis=0, dtype=np.float64))


def _counts(judged: Judged) -> tuple[Weights, Weights]:
    """Of each document and label, 1 where it is rightly given; and true + given."""
    truth, decided = judged.truth.astype(np.float32), judged.decided.astype(np.float32)
    return truth * decided, truth + decided


def _f1(hits: NDArray[Any], either: NDArray[Any]) -> Floats:
    """2 hits / either, 0 where nothing is true nor given."""
    zero = np.zeros(hits.shape)
    f1: Floats = np.divide(2 * hits, either, out=zero, where=either > 0, dtype=np.float64)
    return f1


def _weighted_mean(values: Floats, rows: Counts, weights: Weights) -> Floats:
    """Mean of the `values` of some rows; NaN in a draw that has none of them."""
    of_rows = weights[:, rows].astype(np.float64)
    return _ratio(of_rows @ values, of_rows.sum(axis=1))


def _mean_where(values: Floats, there: Bools) -> Floats:
    return _ratio((values * there).sum(axis=1), there.sum(axis=1).astype(np.float64))


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
