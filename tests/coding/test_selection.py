"""The figures that choose a training's best moment, against hand-computed values."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from synthfr.coding import selection
from synthfr.coding.coder import Validation

TRUTH = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=bool)
SCORES = np.array([[3.0, 2.0, 1.0], [5.0, 4.0, 0.0], [-1.0, -2.0, 9.0]])


def test_map_is_by_document() -> None:
    # first: (1/1 + 2/3) / 2; second: 1/2; the third has no label
    expected = ((1 + 2 / 3) / 2 + 1 / 2) / 2
    assert selection.document_average_precision(TRUTH, SCORES) == pytest.approx(expected)
    assert selection.document_average_precision(~TRUTH & False, SCORES) == 0


def test_micro_f1_is_the_best_of_all_thresholds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth, scores = rng.random((6, 4)) < 0.4, rng.integers(0, 5, (6, 4)).astype(float)
        if not truth.any():
            continue
        tried = [
            2 * (truth & (scores >= least)).sum() / ((scores >= least).sum() + truth.sum())
            for least in np.unique(scores)
        ]
        assert selection.best_micro_f1(truth, scores) == pytest.approx(max(tried))


def test_precision_at_8() -> None:
    assert selection.precision_at_8(TRUTH, SCORES) == pytest.approx((2 / 3 + 1 / 3) / 2)
    truth, scores = np.zeros((1, 20), dtype=bool), -np.arange(20.0)[None]
    truth[0, [0, 7, 8]] = True
    assert selection.precision_at_8(truth, scores) == 2 / 8


def test_a_better_ranking_is_a_higher_figure() -> None:
    """Negative control: the scores turned round are worse by every metric."""
    names: list[selection.Metric] = ["map", "micro_f1", "precision_at_8"]
    truth = np.random.default_rng(0).random((30, 20)) < 0.3
    scores = truth + np.random.default_rng(1).normal(0, 0.5, truth.shape)
    for name, sign in itertools.product(names, (1, -1)):
        figure = selection.metrics(name)
        assert figure is not None
        found = figure(
            SimpleNamespace(label_ids=truth.astype(np.float32), predictions=sign * scores)
        )
        assert (found[name] > 0.5) is (sign == 1)
    assert selection.metrics("loss") is None


def test_reports_without_a_label_tell_a_ranking_nothing() -> None:
    none = Validation(np.arange(3), np.zeros((3, 2), dtype=bool))
    assert selection.watched(none, "map") is None
    assert selection.watched(none, "loss") is none
    assert selection.watched(Validation(np.arange(0), none.truth[:0]), "loss") is None
    assert selection.watched(None, "loss") is None
