"""Decision rules by hand, and the threshold search against brute force."""

import numpy as np
import pytest

from synthfr.coding import decisions, metrics

SCORES = np.array([[0.9, -0.2, 0.1], [0.4, 0.3, -0.5], [-0.1, 0.2, -0.6], [-0.3, -0.4, -0.7]])


def fitted(**changes: object) -> decisions.Fitted:
    values = {"threshold": 0.25, "labels_per_document": 2, "prevalence": np.array([0.5, 0.25, 0.0])}
    return decisions.Fitted(**(values | changes))  # type: ignore[arg-type]


def test_global_threshold() -> None:
    assert decisions.decide("global_threshold", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip


def test_fixed_threshold_is_even_odds() -> None:
    assert decisions.decide("fixed_threshold", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0],
    ]  # fmt: skip


def test_top_k_mean() -> None:
    assert decisions.decide("top_k_mean", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 1], [1, 1, 0], [1, 1, 0], [1, 1, 0],
    ]  # fmt: skip


def test_prevalence_matched() -> None:
    # half of four documents for the first label, a quarter for the second, none for the third
    assert decisions.decide("prevalence_matched", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip
    rare = fitted(prevalence=np.array([0.01, 0.01, 0.01]))  # a label that exists is predicted once
    assert decisions.decide("prevalence_matched", SCORES, rare).sum(axis=0).tolist() == [1, 1, 1]


def test_unknown_rule() -> None:
    with pytest.raises(ValueError, match="no decision rule"):
        decisions.decide("by_feeling", SCORES, fitted())


def test_fit_reads_labels_a_document_and_prevalence() -> None:
    train = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 0], [0, 1, 0]], dtype=bool)
    learnt = decisions.fit(train, train, SCORES)
    assert learnt.labels_per_document == 2  # 7 / 4
    assert learnt.prevalence.tolist() == [0.75, 0.75, 0.25]


def macro_f1(truth: metrics.Bools, predicted: metrics.Bools) -> float:
    return metrics.f1(truth, predicted)["macro_f1"]


@pytest.mark.parametrize("seed", range(4))
def test_threshold_is_as_good_as_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((120, 6)) < 0.2
    scores = truth + rng.normal(0, 0.5, truth.shape)
    chosen = decisions.tune_threshold(truth, scores, float(truth.mean()))
    every_sixth = np.sort(scores, axis=None)[::6]
    best = max(macro_f1(truth, scores > threshold) for threshold in every_sixth)
    assert macro_f1(truth, scores > chosen) > best - 0.02
    # negative control: a threshold that is not tuned
    assert macro_f1(truth, scores > scores.min()) < best - 0.2


def test_threshold_with_labels_that_training_never_saw() -> None:
    truth = np.array([[1, 0], [0, 0], [1, 0], [0, 1]], dtype=bool)
    scores = np.array([[2.0, -np.inf], [-1, -np.inf], [1, -np.inf], [-2, -np.inf]])
    threshold = decisions.tune_threshold(truth, scores, 0.25)
    assert -1 < threshold < 1


def test_without_validation_reports_the_threshold_is_even_odds() -> None:
    nothing = np.zeros((0, 3))
    assert decisions.tune_threshold(nothing.astype(bool), nothing, 0.1) == decisions.EVEN_ODDS


def test_of_equal_thresholds_the_one_nearest_to_the_training_density() -> None:
    truth = np.zeros((50, 2), dtype=bool)  # every threshold has macro-F1 0
    scores = np.arange(100.0).reshape(50, 2)
    threshold = decisions.tune_threshold(truth, scores, 0.1)
    assert (scores > threshold).sum() == 10
