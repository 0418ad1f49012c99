"""Metrics of rankings by hand on small tables, and against scikit-learn and torchmetrics where
scores tie, are infinite, or belong to labels that nobody has.
"""

import warnings

import numpy as np
import pytest

from synthfr.coding import metrics
from synthfr.coding.metrics import arrays, decided, ranked
from synthfr.coding.metrics import ranks as ranks_module
from synthfr.coding.metrics.ranks import ranks

# six documents, five labels; the fourth document has no label, the last label no document
TRUTH = np.array(
    [[1, 1, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 1, 1, 0], [0] * 5, [0, 1, 0, 0, 0], [1, 0, 0, 1, 0]],
    dtype=bool,
)
SCORES = np.array(
    [
        [5.0, 1, 4, 3, 2],  # true at places 1 and 5
        [1, 2, 5, 4, 3],  # place 1
        [5, 4, 3, 2, 1],  # 1, 3, 4
        [1, 2, 3, 4, 5],
        [2, 2, 2, 2, 2],  # all equal
        [-np.inf, 3, 2, np.inf, 1],  # 1 and 5
    ]
)


def random_case(seed: int, n: int = 60, labels: int = 12) -> tuple[metrics.Bools, metrics.Floats]:
    """Truth and scores with many ties and infinities, a label nobody has and one all have."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, labels)) < 0.25
    truth[:, 0], truth[:, 1] = True, False
    truth[:3] = False
    truth[3:, 0] = True
    scores = np.round(truth + rng.normal(size=truth.shape), 1)
    scores[:, 2] = -np.inf  # never seen in training
    scores[:, 3] = np.inf
    return truth, scores


def test_average_precision_of_documents_by_hand() -> None:
    # (1 + 2/5)/2, 1, (1 + 2/3 + 3/4)/3, left out, 1 of 5 tied: 1/5, (1 + 2/5)/2
    of_each = [0.7, 1, (1 + 2 / 3 + 3 / 4) / 3, 0.2, 0.7]
    found = ranked.of_documents(TRUTH, SCORES)
    assert found["map_document"].tolist() == pytest.approx(of_each)
    mean = metrics.mean_average_precision_of_documents(TRUTH, SCORES)
    assert mean == pytest.approx(np.mean(of_each))


def test_at_k_by_hand() -> None:
    found = ranked.of_documents(TRUTH, SCORES)
    assert found["f1_at_3"].tolist() == pytest.approx([2 / 5, 2 / 4, 4 / 6, 2 / 4, 2 / 5])
    assert found["r_precision"].tolist() == pytest.approx([1 / 2, 1, 2 / 3, 0, 1 / 2])
    assert found["precision_at_5"].tolist() == pytest.approx([2 / 5, 1 / 5, 3 / 5, 1 / 5, 2 / 5])
    assert found["recall_at_5"].tolist() == [1] * 5  # all five labels are predicted
    assert not {"precision_at_8", "recall_at_8", "f1_at_8"} & set(found)  # there are only five
    few = ranked.of_documents(TRUTH[:, :4], SCORES[:, :4])
    assert "precision_at_5" not in few and len(few["f1_at_5"]) == 5  # told in any label space


def test_auc_by_hand() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 1], [0, 0, 1]], dtype=bool)
    scores = np.array([[3.0, 9, 0], [2, 9, 0], [2, 9, 0], [1, 9, 0]])
    # the first label: 3 > 2, 1; 2 = 2, 2 > 1: 3.5 of 4; the others have no pair to order
    found = metrics.of_rankings(truth, scores)
    assert found["auc_macro"] == pytest.approx(3.5 / 4)
    # pooled: of 6 true, 6 false; true 3, 2 and four 0; false 2, 1 and four 9
    assert found["auc_micro"] == pytest.approx((2 + 1.5) / 36)
    alone = metrics.of_rankings(truth[:, 1:], scores[:, 1:])
    assert np.isnan(alone["auc_macro"]) and alone["auc_micro"] == 0
    assert np.isnan(metrics.of_rankings(truth[:, :1] & False, scores[:, :1])["auc_micro"])


def test_nothing_to_average_is_no_number() -> None:
    found = metrics.of_rankings(np.zeros((4, 3), dtype=bool), np.zeros((4, 3)))
    assert all(np.isnan(value) for value in found.values())
    nothing = metrics.of_rankings(np.zeros((0, 3), dtype=bool), np.zeros((0, 3)))
    assert all(np.isnan(value) for value in nothing.values())


def test_a_score_that_is_no_number_is_refused() -> None:
    scores = SCORES.copy()
    scores[2, 3] = np.nan
    with pytest.raises(ValueError, match="no number"):
        metrics.of_rankings(TRUTH, scores)


@pytest.mark.parametrize("seed", range(6))
def test_scikit_learn_row_by_row(seed: int) -> None:
    from sklearn import metrics as oracle

    truth, scores = random_case(seed)
    labelled = truth.any(axis=1)
    finite = np.clip(scores, -99, 99)  # scikit-learn refuses infinities
    found = ranked.of_documents(truth, scores)
    precision = [
        oracle.average_precision_score(*row)
        for row in zip(truth[labelled], finite[labelled], strict=True)
    ]
    assert found["map_document"] == pytest.approx(precision)
    for k in (3, 5, 8, 10):
        top = metrics.top_labels(scores, k)
        pairs = list(zip(truth[labelled], top[labelled], strict=True))
        assert found[f"f1_at_{k}"] == pytest.approx([oracle.f1_score(*pair) for pair in pairs])
        if k > 3:
            recall = [oracle.recall_score(*pair) for pair in pairs]
            precision = [oracle.precision_score(*pair) for pair in pairs]
            assert found[f"recall_at_{k}"] == pytest.approx(recall)
            assert found[f"precision_at_{k}"] == pytest.approx(precision)
    told = metrics.of_rankings(truth, scores)
    some = truth.any(axis=0) & ~truth.all(axis=0)
    occurring = truth.any(axis=0)
    assert told["auc_macro"] == pytest.approx(oracle.roc_auc_score(truth[:, some], finite[:, some]))
    assert told["auc_micro"] == pytest.approx(oracle.roc_auc_score(truth.ravel(), finite.ravel()))
    assert told["map"] == pytest.approx(
        oracle.average_precision_score(truth[:, occurring], finite[:, occurring], average="macro")
    )


@pytest.mark.parametrize("seed", range(4))
def test_torchmetrics(seed: int) -> None:
    import torch
    from torchmetrics.functional import classification as of

    truth, scores = random_case(seed)
    likely = torch.from_numpy(1 / (1 + np.exp(-scores)))  # probabilities in their order
    target = torch.from_numpy(truth.astype(np.int64))
    told = metrics.of_rankings(truth, scores)
    labels = truth.shape[1]
    some = truth.any(axis=0) & ~truth.all(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each = of.multilabel_auroc(likely, target, labels, average="none").numpy()
        micro = of.multilabel_auroc(likely, target, labels, average="micro")
        average = of.multilabel_average_precision(likely, target, labels, average="none").numpy()
    assert told["auc_macro"] == pytest.approx(each[some].mean(), abs=1e-6)
    assert told["auc_micro"] == pytest.approx(float(micro), abs=1e-6)
    assert told["map"] == pytest.approx(average[truth.any(axis=0)].mean(), abs=1e-6)


@pytest.mark.parametrize("many", [0, 64])
@pytest.mark.parametrize("cells", [7, 1 << 20])
def test_blocks_and_ways_of_counting_change_nothing(
    many: int, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brute force; 0: every row is sorted; blocks of less than a row."""
    monkeypatch.setattr(ranks_module, "MANY", many)
    monkeypatch.setattr(arrays, "_CELLS", cells)
    truth, scores = random_case(9)
    scores[:, 4:6] += 1e-12 * np.arange(2)  # equal in single precision alone
    found = ranks(truth, scores)
    row, column = np.nonzero(truth)
    of_rows, value = scores[row], scores[row, column, None]
    assert found.above.tolist() == (of_rows > value).sum(axis=1).tolist()
    assert found.at_least.tolist() == (of_rows >= value).sum(axis=1).tolist()
    assert found.true_above.tolist() == ((of_rows > value) & truth[row]).sum(axis=1).tolist()
    assert found.true_at_least.tolist() == ((of_rows >= value) & truth[row]).sum(axis=1).tolist()
    order = np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1, kind="stable")
    depth = np.full(len(truth), truth.shape[1])
    assert found.places(scores, depth).tolist() == order[row, column].tolist()


def test_rows_wider_than_a_byte_counts() -> None:
    """Eight cells are added at once, as bytes: 255 words must not overflow."""
    truth = np.zeros((2, 5000), dtype=bool)
    truth[:, [0, 4999]] = True
    scores = np.tile(np.arange(5000.0), (2, 1))
    found = ranks(truth, scores)
    assert found.above.tolist() == [4999, 0] * 2 and found.at_least.tolist() == [5000, 1] * 2


@pytest.mark.parametrize("seed", range(3))
def test_decisions_are_scikit_learns(seed: int) -> None:
    from sklearn import metrics as oracle

    rng = np.random.default_rng(seed)
    truth, predicted = rng.random((2, 70, 9)) < 0.2
    truth[:, 0] = False  # given, and nobody has it
    predicted[:, 1] = False  # never given
    truth[:, 2], predicted[:, 2] = False, False
    present = truth.any(axis=0)
    found = metrics.of_decisions(truth, predicted)
    assert set(found) == set(decided.NAMES)
    for name in ("precision", "recall", "f1"):
        score = getattr(oracle, f"{name}_score")
        each = score(truth, predicted, average=None, zero_division=0)
        assert found[f"macro_{name}"] == pytest.approx(each.mean())
        assert found[f"macro_{name}_present"] == pytest.approx(each[present].mean())
        micro = score(truth, predicted, average="micro", zero_division=0)
        assert found[f"micro_{name}"] == pytest.approx(micro)
    assert found["exact_match_ratio"] == pytest.approx(oracle.accuracy_score(truth, predicted))
    assert found["hamming_loss"] == pytest.approx(oracle.hamming_loss(truth, predicted))
    jaccard = oracle.jaccard_score(truth, predicted, average="samples", zero_division=1)
    assert found["sample_jaccard"] == pytest.approx(jaccard)


def test_nothing_predicted() -> None:
    found = metrics.of_decisions(TRUTH, np.zeros_like(TRUTH))
    for average in ("macro", "micro"):
        assert found[f"{average}_f1"] == found[f"{average}_precision"] == 0
    assert found["exact_match_ratio"] == found["sample_jaccard"] == pytest.approx(1 / 6)
    nobody = metrics.of_decisions(TRUTH & False, TRUTH)
    assert nobody["macro_f1"] == 0 and np.isnan(nobody["macro_f1_present"])


def test_shuffled_documents_rank_at_chance() -> None:
    """Negative control: another document's scores."""
    rng = np.random.default_rng(0)
    truth = rng.random((800, 20)) < 0.1
    scores = truth + rng.normal(0, 0.3, truth.shape)
    right = metrics.of_rankings(truth, scores)
    wrong = metrics.of_rankings(truth, rng.permutation(scores))
    assert right["auc_macro"] > 0.95 and right["map_document"] > 0.9
    assert abs(wrong["auc_macro"] - 0.5) < 0.03 and abs(wrong["auc_micro"] - 0.5) < 0.03
    assert wrong["map_document"] < 0.35 and wrong["r_precision"] < 0.2
