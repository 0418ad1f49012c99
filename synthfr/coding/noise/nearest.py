"""Which noise makes a real coder err most like the synthetic one.

Three things are compared, each by its root mean squared difference: F1 along codes' frequency, F1
along documents' length, and F1 code by code. The distance is the root of the mean of their squares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.bootstrap import LIMITS, Owners
from synthfr.coding.errors.curves import NO_BIN, Curve
from synthfr.coding.errors.resampling import RESAMPLES, weights
from synthfr.coding.metrics import Bools, Floats
from synthfr.coding.noise.injection import HYPOTHESES, SPREAD, Hypothesis

PARTS = ("frequency", "length", "codes")
MOST_CODERS = 100  # of one kind: seeds of `classify`


class Point(NamedTuple):
    """A place of the grid. Without noise (share 0) the hypotheses are one, the first."""

    hypothesis: Hypothesis
    share: float


NO_NOISE = Point(SPREAD, 0.0)


@dataclass(frozen=True)
class Axes:
    """What curves are drawn along: `frequency` over codes, `length` over documents."""

    frequency: Curve
    length: Curve


@dataclass(frozen=True)
class Errs:
    """Decisions of coders of one kind (several draws of one noise) on the same documents; each
    array has the shape (n_documents, n_labels).
    """

    truth: Bools
    predicted: Sequence[Bools] = field(default_factory=list)


def nearest(
    synthetic: Errs,
    noisy: Mapping[Point, Errs],
    axes: Axes,
    seed: int,
    resamples: int = RESAMPLES,
    owners: Owners | None = None,
) -> dict[str, Any]:
    """The point of `noisy` whose coders err most like the synthetic coder, and how sure that is.

    Args:
        noisy: coders on noisy real texts, on the same documents; one point has no noise (share 0).
        owners: a number for the patient of each document, who is drawn with all of them, from 0 up,
            shape (n_documents,); None: each document is a patient of its own.

    Returns:
        * ``distance/<hypothesis>/share=<p>/{total,frequency,length,codes}``;
        * ``nearest/<hypothesis>`` (``none`` for share 0): ``{"mean": p, "low", "high"}``, the
          interval from the shares of this hypothesis, or 0, that win in resamples of the patients
          crossed with the coders: shares of the other are in another unit. It holds as far as the
          hypothesis does (``kind``); without limits where neither wins, and of ``none``, which has
          no share: how sure that is, ``kind`` tells;
        * ``wins/<hypothesis>/share=<p>``: how often each point wins there; ``wins/none``;
        * ``kind/{none,spread,concentrated}``: how often a point of this kind does. Where two kinds
          share the wins, their errors are too alike to tell which one it is;
        * ``own``: about how far S of the winner's coders would be from S others like them, where
          there are several: what chance alone makes. A winner much farther away than that is near
          only among what was tried: no noise of these kinds explains the gap;
        * ``by_part/<part>/<hypothesis>``: the share that wins by that part alone.
    """
    # of equally near points the one with the least noise
    points = sorted(noisy, key=lambda one: (one.share, one.hypothesis))
    noisy = {point: noisy[point] for point in points}
    n = len(synthetic.truth)
    owners = np.arange(n) if owners is None else owners
    distances = _distances(synthetic, noisy, axes, _Resamples.none(n))[0]  # (n_points, n_parts)
    totals = _total(distances)
    winners: NDArray[np.int64] = np.concatenate(
        [
            _total(_distances(synthetic, noisy, axes, some)).argmin(axis=1)
            for some in _Resamples.drawn(owners, resamples, seed)
        ]
    )
    best = points[int(totals.argmin())]
    kinds = np.array([_name(points[one]) for one in winners])
    own = np.isin(kinds, [_name(best), _name(NO_NOISE)]) & (best.share > 0)
    shares = np.array([points[one].share for one in winners])[own]
    told: dict[str, Any] = {"distance": {}, "wins": {}, "by_part": {}}
    told["nearest"] = {_name(best): {"mean": best.share, **_limits(shares)}}
    for at, point in enumerate(points):
        named = dict(zip(("total", *PARTS), [totals[at], *distances[at]], strict=True))
        _put(told["distance"], point, {part: float(value) for part, value in named.items()})
        _put(told["wins"], point, float((winners == at).mean()))
    told["kind"] = {name: float((kinds == name).mean()) for name in ("none", *HYPOTHESES)}
    told["own"] = _own(noisy[best], axes)
    for at, part in enumerate(PARTS):
        winner = points[int(distances[:, at].argmin())]
        told["by_part"][part] = {_name(winner): winner.share}
    return told


@dataclass(frozen=True)
class _Resamples:
    """Resamples of patients crossed with coders, or once all of them.

    `documents`: how often each counts, shape (rows, n_documents). `noisy` and `synthetic`: numbers
    in [0, 1) that draw from coders, however many there are, shape (rows, coders); those of all
    noises are drawn together, as they learnt from the same samples. None: each coder once.
    """

    documents: Floats
    noisy: Floats | None = None
    synthetic: Floats | None = None

    @classmethod
    def none(cls, n_documents: int) -> _Resamples:
        return cls(np.ones((1, n_documents)))

    @classmethod
    def drawn(cls, owners: Owners, resamples: int, seed: int) -> Iterator[_Resamples]:
        rng = seeding.rng(seed, "bootstrap", "coders")
        for documents in weights(owners, resamples, seed, "noise"):
            shape = (len(documents), MOST_CODERS)
            yield cls(documents, rng.random(shape), rng.random(shape))


def _own(errs: Errs, axes: Axes) -> float | None:
    """Mean distance of each of S coders from the mean of the others, brought to that of two means
    of S; None of a single one.

    An approximation: were the errors of coders independent with variance v, the first would have
    v (1 + 1 / (S - 1)) and the second 2 v / S.
    """
    n = len(errs.predicted)
    if n < 2:
        return None
    found = []
    for at, one in enumerate(errs.predicted):
        others = {NO_NOISE: Errs(errs.truth, [*errs.predicted[:at], *errs.predicted[at + 1 :]])}
        alone = Errs(errs.truth, [one])
        found.append(_total(_distances(alone, others, axes, _Resamples.none(len(errs.truth)))))
    return float(np.mean(found) * np.sqrt(2 * (n - 1)) / n)


def _limits(shares: Floats) -> dict[str, float | None]:
    """Of the winners' shares, shape (n,); they are shares that were tried."""
    if not len(shares):
        return {"low": None, "high": None}
    low, high = np.quantile(shares, LIMITS, method="inverted_cdf")
    return {"low": float(low), "high": float(high)}


def _name(point: Point) -> str:
    return point.hypothesis if point.share else "none"


def _put(tree: dict[str, Any], point: Point, value: Any) -> None:
    if point.share:
        tree.setdefault(point.hypothesis, {})[f"share={point.share:g}"] = value
    else:
        tree["none"] = value


def _total(distances: Floats) -> Floats:
    """Of the parts along the last axis, those left out that are not defined."""
    found: Floats = np.sqrt(np.nanmean(np.square(distances), axis=-1))
    return found


def _distances(
    synthetic: Errs, noisy: Mapping[Point, Errs], axes: Axes, some: _Resamples
) -> Floats:
    """Shape (rows, n_points, n_parts)."""
    wanted = _shapes(synthetic, axes, some.documents, some.synthetic)
    rows = [
        [
            _rms(one - other)
            for one, other in zip(
                _shapes(errs, axes, some.documents, some.noisy), wanted, strict=True
            )
        ]
        for errs in noisy.values()
    ]
    return np.array(rows).transpose(2, 0, 1)


def _rms(difference: Floats) -> Floats:
    """Over the last axis, what is not defined left out; NaN where nothing is."""
    defined = np.isfinite(difference)
    squares = np.where(defined, np.square(difference), 0.0).sum(axis=-1)
    count = defined.sum(axis=-1)
    out = np.full(squares.shape, np.nan)
    found: Floats = np.sqrt(np.divide(squares, count, out=out, where=count > 0))
    return found


def _shapes(
    errs: Errs, axes: Axes, documents: Floats, draws: Floats | None
) -> tuple[Floats, Floats, Floats]:
    """Curves over frequency and length, and F1 by code: mean over the coders, each of shape
    (rows, points of the curve).
    """
    n = len(errs.predicted)
    share = np.full((len(documents), n), 1 / n)
    if draws is not None:
        picked = (draws[:, :n] * n).astype(np.int64)
        share = np.stack([(picked == one).mean(axis=1) for one in range(n)], axis=1)
    found = [_of_one(errs.truth, one, axes, documents) for one in errs.predicted]
    means = [
        sum(part * share[:, [at]] for at, part in enumerate(parts))
        for parts in zip(*found, strict=True)
    ]
    return means[0], means[1], means[2]


def _of_one(
    truth: Bools, predicted: Bools, axes: Axes, documents: Floats
) -> tuple[Floats, Floats, Floats]:
    hits, true = truth & predicted, truth.sum(axis=1)
    positives = documents @ truth.astype(np.float64)
    either = positives + documents @ predicted.astype(np.float64)
    out = np.full(positives.shape, np.nan)
    by_code = np.divide(
        2 * (documents @ hits.astype(np.float64)), either, out=out, where=positives > 0
    )
    n_true = np.maximum(true + predicted.sum(axis=1), 1)
    by_document = 2 * hits.sum(axis=1) / n_true
    along_frequency = _binned(by_code, np.isfinite(by_code) * 1.0, axes.frequency)
    counted = documents * (true > 0)
    along_length = _binned(np.broadcast_to(by_document, documents.shape), counted, axes.length)
    return along_frequency, along_length, by_code


def _binned(y: Floats, weight: Floats, curve: Curve) -> Floats:
    """Weighted means of y (shape (rows, points)) in the bins, shape (rows, n_bins); NaN in a bin
    without weight.
    """
    n_bins = int(curve.bins.max(initial=NO_BIN)) + 1
    member = (curve.bins[:, None] == np.arange(n_bins)).astype(np.float64)
    total, count = (np.nan_to_num(y) * weight) @ member, weight @ member
    found: Floats = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return found
