"""Multi-label metrics by hand on a 5 x 4 table: which of scikit-learn's, and how edges count."""

import numpy as np
import pytest

from synthfr.coding import decisions, metrics

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
            "macro_f1_present": (4 / 5 + 1 / 2 + 2 / 3) / 3,  # of a, b and c
            "macro_precision_present": (1 + 1 / 2 + 1) / 3,
            "macro_recall_present": (2 / 3 + 1 / 2 + 1 / 2) / 3,
            "micro_f1": 8 / 12,
            "micro_precision": 4 / 5,
            "micro_recall": 4 / 7,
            "exact_match_ratio": 1 / 5,  # the document without labels, which is given none
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
    found = metrics.of_documents(truth, scores)
    # 3 predicted: first 1 hit of 2 -> 2/5; second 1 hit of 1 -> 2/4; third has no label
    assert found["f1_at_3"].tolist() == pytest.approx([2 / 5, 2 / 4])
    # with fewer labels than k all are predicted: 4/6 and 2/5
    assert found["f1_at_5"].tolist() == pytest.approx([4 / 6, 2 / 5])


def test_published_metrics_are_scikit_learns() -> None:
    from sklearn import metrics as oracle

    rng = np.random.default_rng(1)
    truth = rng.random((60, 7)) < 0.3
    truth[np.arange(60), rng.integers(0, 7, 60)] = True  # as in the original's evaluation
    logits = rng.normal(size=truth.shape)
    likely = 1 / (1 + np.exp(-logits)) > 0.5
    fitted = decisions.Fitted(
        9.0, 1, np.zeros(7), micro_threshold=9.0, label_thresholds=np.zeros(7)
    )
    predicted = decisions.decide("fixed_threshold", logits, fitted)
    assert np.array_equal(predicted, likely)  # a probability above one half: a logit above 0
    assert not decisions.decide("global_threshold", logits, fitted).any()  # the control
    found = metrics.of_decisions(truth, predicted)
    for average in ("macro", "micro"):
        for name in ("precision", "recall", "f1"):
            score = getattr(oracle, f"{name}_score")(
                truth, likely, average=average, zero_division=0
            )
            assert found[f"{average}_{name}"] == pytest.approx(score)
    assert found["hamming_loss"] == pytest.approx(oracle.hamming_loss(truth, likely))
    jaccard = oracle.jaccard_score(truth, likely, average="samples")
    assert found["sample_jaccard"] == pytest.approx(jaccard)
    ranked = metrics.of_rankings(truth, logits)
    for k in (3, 5):
        best = np.argsort(-logits, axis=1)[:, :k]
        top = np.zeros_like(truth)
        np.put_along_axis(top, best, True, axis=1)
        at_k = oracle.f1_score(truth, top, average="samples")
        assert ranked[f"f1_at_{k}"] == pytest.approx(at_k)


def test_ties_go_to_the_first_label() -> None:
    assert metrics.top_labels(np.zeros((1, 3)), 2).tolist() == [[True, True, False]]


def test_shuffled_truth_scores_at_chance() -> None:
    """Negative control."""
    rng = np.random.default_rng(0)
    truth = rng.random((500, 5)) < 0.2
    assert metrics.of_rankings(truth, truth + rng.normal(0, 0.1, truth.shape))["map"] > 0.99
    shuffled = rng.permutation(truth)
    assert metrics.mean_average_precision(shuffled, truth + rng.normal(0, 0.1, truth.shape)) < 0.3
