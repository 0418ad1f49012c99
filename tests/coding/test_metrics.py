"""Multi-label metrics by hand on a 5 x 4 table: which of scikit-learn's, and how edges count."""

import numpy as np
import pytest

from synthfr.coding import metrics

# rows: documents; columns: labels a, b, c, d (d never true and never predicted)
TRUTH = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0]], dtype=bool)
PREDICTED = np.array(
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=bool
)
# a: TP 2 FP 0 FN 1; b: TP 1 FP 1 FN 1; c: TP 1 FP 0 FN 1; d: nothing


def test_decisions_by_hand() -> None:
    found = metrics.of_decisions(TRUTH, PREDICTED)
    assert found == pytest.approx(
        {
            "macro_f1": (4 / 5 + 1 / 2 + 2 / 3) / 4,
            "macro_precision": (1 + 1 / 2 + 1) / 4,
            "macro_recall": (2 / 3 + 1 / 2 + 1 / 2) / 4,
            "micro_f1": 8 / 12,
            "micro_precision": 4 / 5,
            "micro_recall": 4 / 7,
            "hamming_loss": 4 / 20,
            # 1/2, 1/2, 1/2, two empty sets agree: 1, 1/2
            "sample_jaccard": 3 / 5,
        }
    )
    assert metrics.f1(TRUTH, PREDICTED) == {name: found[name] for name in ("macro_f1", "micro_f1")}


def test_a_single_label_is_no_question_of_two_classes() -> None:
    found = metrics.of_decisions(TRUTH[:, :1], PREDICTED[:, :1])
    assert found["macro_f1"] == found["micro_f1"] == pytest.approx(4 / 5)
    assert found["sample_jaccard"] == pytest.approx(4 / 5)  # one document misses it


def test_average_precision_by_hand() -> None:
    def of(*scores: float) -> float:
        truth = np.array([[1], [0], [1], [0]], dtype=bool)
        return metrics.mean_average_precision(truth, np.array(scores)[:, None])

    assert of(4, 3, 2, 1) == pytest.approx(5 / 6)  # true, false, true, false: (1 + 2/3) / 2
    assert of(0, 0, 0, 0) == pytest.approx(1 / 2)  # all tied: precision is the prevalence
    assert of(*[-np.inf] * 4) == pytest.approx(1 / 2)  # a label that training never saw
    assert of(np.inf, 3, 2, -np.inf) == of(4, 3, 2, 1)


def test_map_skips_labels_that_do_not_occur() -> None:
    truth = np.array([[1, 0], [0, 0]], dtype=bool)
    assert metrics.mean_average_precision(truth, np.array([[2.0, 1], [1, 2]])) == 1
    assert np.isnan(metrics.mean_average_precision(truth[:, 1:], np.zeros((2, 1))))


def test_f1_at_k_by_hand() -> None:
    truth = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)
    scores = np.array([[4.0, 3, 2, 1], [4, 3, 2, 1], [1, 1, 1, 1]])
    # 3 predicted: first 1 hit of 2 -> 2/5; second 1 hit of 1 -> 2/4; third has no label
    assert metrics.f1_at(3, truth, scores) == pytest.approx((2 / 5 + 2 / 4) / 2)
    # with fewer labels than k all are predicted: 4/6 and 2/5
    assert metrics.f1_at(9, truth, scores) == pytest.approx((4 / 6 + 2 / 5) / 2)


def test_ties_go_to_the_first_label() -> None:
    assert metrics.top_labels(np.zeros((1, 3)), 2).tolist() == [[True, True, False]]


def test_shuffled_truth_scores_at_chance() -> None:
    """Negative control."""
    rng = np.random.default_rng(0)
    truth = rng.random((500, 5)) < 0.2
    assert metrics.of_rankings(truth, truth + rng.normal(0, 0.1, truth.shape))["map"] > 0.99
    shuffled = rng.permutation(truth)
    assert metrics.mean_average_precision(shuffled, truth + rng.normal(0, 0.1, truth.shape)) < 0.3
