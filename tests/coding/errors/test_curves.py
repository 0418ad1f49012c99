"""Curves and correlations: known by construction, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from synthfr.coding import errors
from synthfr.coding.errors.curves import NO_BIN, by_frequency, by_length
from tests.coding.errors.hand import PREDICTED, TRUTH, limit


def test_bins_are_quantiles_and_equals_stay_together() -> None:
    assert errors.bins_of(np.arange(6.0), 3).tolist() == [0, 0, 1, 1, 2, 2]
    assert errors.bins_of(np.array([1.0, 1, 1, 1, 9]), 5).tolist() == [0, 0, 0, 0, 1]
    assert errors.bins_of(np.array([3.0, np.nan, 1]), 2).tolist() == [1, NO_BIN, 0]
    assert errors.bins_of(np.full(3, np.nan), 2).tolist() == [NO_BIN] * 3


def test_length_by_hand() -> None:
    f1 = errors.document_f1(TRUTH, PREDICTED)  # 1, .5, .667, 0, none, .5
    lengths = np.array([10.0, 20, 30, 40, 50, 60])
    found = by_length(lengths, {"real": f1, "half": f1 / 2}, 2, limit(2))
    # the document without a true code is left out, whatever its length
    assert found["bin=1"] == pytest.approx(
        {"documents": 3, "words": 20, "real": (1 + 0.5 + 2 / 3) / 3, "half": (1 + 0.5 + 2 / 3) / 6}
    )
    assert found["bin=2"] == pytest.approx(
        {"documents": 2, "words": 50, "real": 0.25, "half": 0.125}
    )
    # two documents are not told of three; and 2 known of 5 would follow from the rest
    assert by_length(lengths, {"real": f1}, 2, limit(3)) == {"bin=1": None, "bin=2": None}


def test_frequency_by_hand() -> None:
    f1 = errors.label_f1(TRUTH, PREDICTED)  # .667, 0, 1, none, 0
    frequency = np.array([100.0, 10, 1000, 5, 40])
    known = frequency.astype(np.int64)
    # E78 (10) and HFMA (40), in documents d and f: too few; E11 (100) and I10 (1000): a, b, c, f,
    # which with the mean over all codes would tell the others
    found = by_frequency(frequency, TRUTH, {"real": f1}, 2, limit(3), known)
    assert found == {"bin=1": None, "bin=2": None}
    more = by_frequency(frequency, TRUTH, {"real": f1}, 2, limit(2), known)
    assert more["bin=2"] == pytest.approx(
        {"frequency": 100000**0.5, "codes": 2, "documents": 4, "real": 5 / 6}
    )
    assert more["bin=1"] == pytest.approx(
        {"frequency": 20, "codes": 2, "documents": 2, "real": 0.0}
    )
    alone = by_frequency(frequency, TRUTH, {"real": f1}, 4, limit(1), known)
    assert set(alone.values()) == {None}  # one code each: its own F1 would leave
    never = by_frequency(frequency * (np.arange(5) != 0), TRUTH, {"real": f1}, 1, limit(1), known)
    assert never["bin=1"]["codes"] == 3  # a code that training has not is left out


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        ([2, 9, 8, 7], [False, True, True, False]),  # the next smallest is held back too
        ([2, 9, 8, 2], [False, True, True, False]),  # two already: neither follows
        ([1, 9, 8, 1], [False, True, False, False]),  # two documents in all: one bin more
        ([6, 9, 8, 7], [True, True, True, True]),
    ],
)
def test_no_single_bin_follows_from_the_mean_over_all_codes(
    documents: list[int], told: list[bool]
) -> None:
    truth = np.zeros((sum(documents), 8), dtype=bool)
    at = 0
    for one, count in enumerate(documents):  # two codes a bin, in documents of their own
        truth[at : at + count, 2 * one : 2 * one + 2] = True
        at += count
    frequency = np.arange(10.0, 18)
    known = frequency.astype(np.int64)
    found = by_frequency(frequency, truth, {"real": np.ones(8)}, 4, limit(3, len(truth)), known)
    assert [one is not None for one in found.values()] == told


def test_patients_are_counted_and_not_their_documents() -> None:
    f1 = np.ones(12)
    lengths = np.arange(12.0)
    plain = by_length(lengths, {"real": f1}, 2, limit(3, 12))
    assert plain["bin=1"]["documents"] == plain["bin=2"]["documents"] == 6
    assert by_length(lengths, {"real": f1}, 2, limit(3, 12, each=2)) == plain
    assert set(by_length(lengths, {"real": f1}, 2, limit(3, 12, each=3)).values()) == {None}
    # two codes a bin; the second bin's documents are those of two patients
    truth = np.repeat(np.eye(3, dtype=bool), 4, axis=0)[:, [0, 0, 1, 1, 2, 2]]
    frequency = np.arange(10.0, 16)
    told = ({"real": np.ones(6)}, 3)
    of_patients = [np.full(6, 4), np.array([1, 2, 4, 4, 4, 4])]
    shown = [
        [one is not None for one in by_frequency(frequency, truth, *told, *rest).values()]
        for rest in (
            (limit(3, 12), of_patients[0]),
            (limit(3, 12, each=2), of_patients[0]),
            (limit(3, 12), of_patients[1]),  # in training: 10 and 11 documents of two patients
        )
    ]
    assert shown == [[True] * 3, [False] * 3, [False, False, True]]


def test_correlations_are_scipys() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    y = np.round(x + rng.normal(size=60), 1)  # with ties
    singly = np.arange(len(x) + 1)
    found = errors.correlations(np.append(x, np.nan), np.append(y, 1.0), singly, 0, "test")
    assert found["pearson"] is not None and found["spearman"] is not None
    assert found["pearson"]["mean"] == pytest.approx(pearsonr(x, y)[0])
    assert found["spearman"]["mean"] == pytest.approx(spearmanr(x, y)[0])
    for one in found.values():
        assert one is not None and 0 < one["low"] < one["mean"] < one["high"] < 1
    assert found == errors.correlations(np.append(x, np.nan), np.append(y, 1.0), singly, 0, "test")


def test_f1_that_rises_with_frequency_does_so() -> None:
    frequency = np.arange(1.0, 201)
    f1 = np.log(frequency) / np.log(200)  # straight against ln(frequency)
    found = errors.correlations(np.log(frequency), f1, np.arange(len(f1)), 0, "built")
    assert found["pearson"] is not None and found["spearman"] is not None
    assert found["pearson"]["low"] > 0.999 and found["spearman"]["mean"] == pytest.approx(1)
    falling = errors.correlations(np.log(frequency), -f1, np.arange(len(f1)), 0, "built")["pearson"]
    assert falling is not None and falling["high"] < -0.999


def test_shuffled_f1_shows_no_correlation() -> None:
    """Negative control: most intervals of 95 % hold 0."""
    frequency = np.log(np.arange(1.0, 201))
    f1 = frequency / frequency.max()
    rng = np.random.default_rng(2)
    missed = 0
    for draw in range(40):
        one = errors.correlations(
            frequency, rng.permutation(f1), np.arange(len(f1)), draw, "x", 300
        )["pearson"]
        assert one is not None and abs(one["mean"]) < 0.3
        missed += not one["low"] <= 0 <= one["high"]
    assert missed <= 6


@pytest.mark.parametrize(
    ("x", "y"),
    [([1.0, 2, 3], [1.0, 2, 3]), ([1.0] * 9, list(range(9))), (list(range(9)), [0.5] * 9)],
)
def test_too_few_points_or_no_spread_have_none(x: list[float], y: list[float]) -> None:
    found = errors.correlations(
        np.array(x, dtype=float), np.array(y, dtype=float), np.arange(len(x)), 0, "x"
    )
    assert found == {"pearson": None, "spearman": None}
