"""Calibrated scores mean probabilities, against scikit-learn's own where it has the same fit."""

import numpy as np
import pytest

from synthfr.coding.calibration import ENOUGH, Method, calibrated


def made(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two labels whose true log-odds are 3 s - 2 and 0.5 s + 1, and drawn labels."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.5, (n, 2))
    odds = scores * [3, 0.5] + [-2, 1]
    return scores, rng.random((n, 2)) < 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_a_score_of_zero_is_even_odds(method: Method) -> None:
    seen, truth = made(4000, 0)
    scores, later = made(20_000, 1)
    found = calibrated(scores, seen, truth, method)
    for label in range(2):
        about = np.abs(found[:, label]) < 0.4
        assert later[about, label].mean() == pytest.approx(0.5, abs=0.07)
        raw = np.abs(scores[:, label]) < 0.1  # the control: the scores as they were
        assert abs(later[raw, label].mean() - 0.5) > 0.1


def test_platt_finds_the_line_and_keeps_the_ranking() -> None:
    from sklearn.calibration import _sigmoid_calibration

    seen, truth = made(300, 0)
    found = calibrated(seen, seen, truth, "platt")
    for label in range(2):
        a, b = _sigmoid_calibration(seen[:, label], truth[:, label].astype(float))
        assert found[:, label] == pytest.approx(-(a * seen[:, label] + b), abs=0.01)
        assert np.array_equal(np.argsort(found[:, label]), np.argsort(seen[:, label]))


def test_isotonic_is_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    seen, truth = made(300, 0)
    least = 1 / 302
    steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    expected = steps.fit_transform(seen[:, 0], truth[:, 0].astype(float))
    found = 1 / (1 + np.exp(-calibrated(seen, seen, truth, "isotonic")[:, 0]))
    assert found == pytest.approx(expected)


def test_rare_labels_share_a_fit_and_others_stay() -> None:
    seen, truth = made(200, 0)
    rare = np.zeros(200, dtype=bool)
    rare[: ENOUGH - 1] = True
    validation = np.column_stack([seen, seen[:, 0], np.full(200, -np.inf)])
    labels = np.column_stack([truth, rare, np.zeros(200, dtype=bool)])
    found = calibrated(validation, validation, labels, "platt")
    assert np.array_equal(found[:, :2], calibrated(seen, seen, truth, "platt"))
    assert np.isneginf(found[:, 3]).all()
    assert np.array_equal(np.argsort(found[:, 2]), np.argsort(seen[:, 0]))
    assert not np.allclose(found[:, 2], found[:, 0])


def test_nothing_to_fit_by_changes_nothing() -> None:
    seen, truth = made(50, 0)
    assert np.array_equal(calibrated(seen, seen, truth, "none"), seen)
    assert np.array_equal(calibrated(seen, seen, truth & False, "platt"), seen)
    assert np.array_equal(calibrated(seen, seen, truth | True, "isotonic"), seen)
    # higher scores for fewer true labels: no line turns a ranking round
    assert np.array_equal(calibrated(seen, -seen, seen > 0, "platt"), seen)
