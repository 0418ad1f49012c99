"""Multi-label metrics: by hand on a 5 x 4 table, and against scikit-learn on random ones."""

import numpy as np
import pytest

from synthfr.coding import metrics

# rows: documents; columns: labels a, b, c, d (d never true and never predicted)
TRUTH = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0]], dtype=bool)
PREDICTED = np.array(
    [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], dtype=bool
)
# a: TP 2 FP 0 FN 1; b: TP 1 FP 1 FN 1; c: TP 1 FP 0 FN 1; d: nothing


def test_counts() -> None:
    hits, false, missed = metrics.counts(TRUTH, PREDICTED)
    assert hits.tolist() == [2, 1, 1, 0]
    assert false.tolist() == [0, 1, 0, 0]
    assert missed.tolist() == [1, 1, 1, 0]


def test_macro() -> None:
    assert metrics.label_f1(TRUTH, PREDICTED).tolist() == pytest.approx([4 / 5, 1 / 2, 2 / 3, 0])
    assert metrics.macro_f1(TRUTH, PREDICTED) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 4)
    assert metrics.macro_precision(TRUTH, PREDICTED) == pytest.approx((1 + 1 / 2 + 1) / 4)
    assert metrics.macro_recall(TRUTH, PREDICTED) == pytest.approx((2 / 3 + 1 / 2 + 1 / 2) / 4)


def test_micro() -> None:
    assert metrics.micro_precision(TRUTH, PREDICTED) == pytest.approx(4 / 5)
    assert metrics.micro_recall(TRUTH, PREDICTED) == pytest.approx(4 / 7)
    assert metrics.micro_f1(TRUTH, PREDICTED) == pytest.approx(8 / 12)


def test_hamming_and_jaccard() -> None:
    assert metrics.hamming_loss(TRUTH, PREDICTED) == pytest.approx(4 / 20)
    # 1/2, 1/2, 1/2, two empty sets agree: 1, 1/2
    assert metrics.sample_jaccard(TRUTH, PREDICTED) == pytest.approx(3 / 5)


def test_average_precision_by_hand() -> None:
    truth = np.array([1, 0, 1, 0], dtype=bool)
    # ranked true, false, true, false: (1 + 2/3) / 2
    assert metrics.average_precision(truth, np.array([4.0, 3, 2, 1])) == pytest.approx(5 / 6)
    # all tied: precision is the prevalence
    assert metrics.average_precision(truth, np.zeros(4)) == pytest.approx(1 / 2)
    assert metrics.average_precision(truth, np.full(4, -np.inf)) == pytest.approx(1 / 2)


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


@pytest.mark.parametrize("seed", range(5))
def test_against_scikit_learn(seed: int) -> None:
    from sklearn.metrics import (
        average_precision_score,
        f1_score,
        hamming_loss,
        jaccard_score,
        precision_score,
        recall_score,
    )

    rng = np.random.default_rng(seed)
    truth = rng.random((60, 7)) < 0.25
    truth[:, 6] = False
    truth[truth[:, :6].sum(axis=1) == 0, 0] = True  # the two differ on empty documents by design
    scores = np.round(truth + rng.normal(0, 0.8, truth.shape), 1)  # with ties
    predicted = scores > 0.6
    for average in ("macro", "micro"):
        for name, oracle in (
            ("f1", f1_score),
            ("precision", precision_score),
            ("recall", recall_score),
        ):
            ours = getattr(metrics, f"{average}_{name}")(truth, predicted)
            assert ours == pytest.approx(oracle(truth, predicted, average=average, zero_division=0))
    assert metrics.hamming_loss(truth, predicted) == pytest.approx(hamming_loss(truth, predicted))
    assert metrics.sample_jaccard(truth, predicted) == pytest.approx(
        jaccard_score(truth, predicted, average="samples", zero_division=0)
    )
    assert metrics.mean_average_precision(truth, scores) == pytest.approx(
        average_precision_score(truth[:, :6], scores[:, :6], average="macro")
    )


def test_shuffled_truth_scores_at_chance() -> None:
    """Negative control."""
    rng = np.random.default_rng(0)
    truth = rng.random((500, 5)) < 0.2
    assert metrics.of_rankings(truth, truth + rng.normal(0, 0.1, truth.shape))["map"] > 0.99
    shuffled = rng.permutation(truth)
    assert metrics.mean_average_precision(shuffled, truth + rng.normal(0, 0.1, truth.shape)) < 0.3
