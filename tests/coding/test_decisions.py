"""Decision rules by hand, and the threshold search against brute force."""

import numpy as np
import pytest

from synthfr.coding import decisions, metrics

SCORES = np.array([[0.9, -0.2, 0.1], [0.4, 0.3, -0.5], [-0.1, 0.2, -0.6], [-0.3, -0.4, -0.7]])


def fitted(**changes: object) -> decisions.Fitted:
    values = {
        "threshold": 0.25,
        "labels_per_document": 2,
        "prevalence": np.array([0.5, 0.25, 0.0]),
        "micro_threshold": 0.35,
        "label_thresholds": np.array([-0.2, np.nan, 0.2]),
    }
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


def test_micro_threshold() -> None:
    assert decisions.decide("micro_threshold", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip


def test_per_label_threshold() -> None:
    """-.2 and .2 of their own; the second label takes the global one, .25."""
    assert decisions.decide("per_label_threshold", SCORES, fitted()).astype(int).tolist() == [
        [1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 0, 0],
    ]  # fmt: skip


def test_best_thresholds_by_hand() -> None:
    truth = np.array([[1, 0, 1, 0], [0, 0, 1, 1], [1, 0, 0, 0]], dtype=bool)
    scores = np.array([[3.0, 3, 1, -np.inf], [2, 2, 1, -np.inf], [1, 1, 0, -np.inf]])
    # the first: above 2.5 F1 is 2/3, above 1.5 it is 1/2, of all 4/5: 1 - (3 - 1) gives it to all;
    # the third: 1; the others have nothing
    found = decisions.best_thresholds(truth, scores)
    assert found[[0, 2]].tolist() == [-1, 0.5] and np.isnan(found[[1, 3]]).all()
    truth[2, 0] = False
    assert decisions.best_thresholds(truth, scores)[0] == 2.5
    neighbours = np.array([[1.0], [np.nextafter(1.0, 0)]])  # nothing lies between
    of_one = np.array([[True], [False]])
    above = neighbours > decisions.best_thresholds(of_one, neighbours)
    assert above.tolist() == of_one.tolist()
    assert np.isnan(decisions.best_thresholds(truth[:1], scores[:1])).all()


def test_a_label_that_nearly_all_have_is_given_to_all() -> None:
    """18 of 20: F1 is 36 / 38; the control: scores that tell them apart are used."""
    truth = (np.arange(20) < 18)[:, None]
    blind = np.random.default_rng(0).permutation(np.arange(20.0))[:, None]
    threshold = decisions.best_thresholds(truth, blind)
    assert np.isfinite(threshold).all() and (blind > threshold).all()
    seen = np.where(truth, 2.0, 1.0)
    assert decisions.best_thresholds(truth, seen).tolist() == [1.5]
    # labels without a score of one's own, and those that training always saw, are no scores
    without = np.vstack([blind, [[-np.inf], [np.inf]]])
    both = np.vstack([truth, [[False], [True]]])
    assert (without > decisions.best_thresholds(both, without)).sum() == 21


def test_many_columns_at_once_are_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.random((30, 7)) < 0.3, np.round(rng.normal(size=(30, 7)), 1)
    together = decisions.best_thresholds(truth, scores)
    monkeypatch.setattr(decisions, "_CELLS", 60)
    assert np.array_equal(decisions.best_thresholds(truth, scores), together)
    assert decisions.best_thresholds(truth[:, :0], scores[:, :0]).shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_fitted_thresholds_against_brute_force(seed: int) -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(seed)
    truth = rng.random((90, 5)) < [0.5, 0.3, 0.2, 0.2, 0.02]
    scores = np.round(truth + rng.normal([1, 0, -1, 0, 0], 0.7, truth.shape), 1)
    learnt = decisions.fit(truth, truth, scores)
    every = [scores.min() - 1, *np.unique(scores)]
    micro = [f1_score(truth, scores > cut, average="micro", zero_division=0) for cut in every]
    chosen = decisions.decide("micro_threshold", scores, learnt)
    assert f1_score(truth, chosen, average="micro") == pytest.approx(max(micro))
    own = decisions.decide("per_label_threshold", scores, learnt)
    for label in range(4):
        best = max(f1_score(truth[:, label], scores[:, label] > cut) for cut in every)
        assert f1_score(truth[:, label], own[:, label]) == pytest.approx(best)
    assert learnt.own_thresholds == 4 and np.isnan(learnt.label_thresholds[4])  # one is too rare
    assert own[:, 4].tolist() == (scores[:, 4] > learnt.threshold).tolist()
    # the control: where every label's scores lie elsewhere, one threshold for all is worse
    one = decisions.decide("global_threshold", scores, learnt)
    assert macro_f1(truth, own) > macro_f1(truth, one) + 0.02


def test_labels_that_training_never_saw_have_no_threshold() -> None:
    truth = np.ones((30, 1), dtype=bool)
    never = np.full((30, 1), -np.inf)
    learnt = decisions.fit(np.zeros((9, 1), dtype=bool), truth, never)
    assert learnt.own_thresholds == 0 and learnt.micro_threshold == decisions.EVEN_ODDS
    for rule in ("micro_threshold", "per_label_threshold"):
        assert not decisions.decide(rule, never, learnt).any()


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
    learnt = decisions.fit(np.ones((2, 3), dtype=bool), nothing.astype(bool), nothing)
    assert learnt.micro_threshold == learnt.threshold == decisions.EVEN_ODDS
    assert learnt.own_thresholds == 0


def test_of_equal_thresholds_the_one_nearest_to_the_training_density() -> None:
    truth = np.zeros((50, 2), dtype=bool)  # every threshold has macro-F1 0
    scores = np.arange(100.0).reshape(50, 2)
    threshold = decisions.tune_threshold(truth, scores, 0.1)
    assert (scores > threshold).sum() == 10
