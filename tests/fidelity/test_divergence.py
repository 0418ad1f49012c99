"""Divergences by hand, by scipy, and of samples that are equal or share nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from synthfr.fidelity.divergence import jensen_shannon, kolmogorov_smirnov

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1)
NUMBERS = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


def test_jensen_shannon_by_hand() -> None:
    assert jensen_shannon({"a": 1}, {"b": 7}) == 1
    assert jensen_shannon({"a": 1, "b": 3}, {"a": 2, "b": 6}) == 0  # the same shares
    # P = (1, 0), Q = (1/2, 1/2), M = (3/4, 1/4): (log2 4/3 + (log2 2/3 + log2 2) / 2) / 2
    expected = (np.log2(4 / 3) + (np.log2(2 / 3) + 1) / 2) / 2
    assert jensen_shannon({"a": 1}, {"a": 1, "b": 1}) == pytest.approx(expected)
    assert jensen_shannon({}, {"a": 1}) is None


@given(COUNTS, COUNTS)
def test_jensen_shannon_is_that_of_scipy(one: dict[str, int], other: dict[str, int]) -> None:
    found = jensen_shannon(one, other)
    shares = [[side.get(kind, 0) for kind in "abcdef"] for side in (one, other)]
    assert found == pytest.approx(jensenshannon(*shares, base=2) ** 2, abs=1e-9)
    assert found == pytest.approx(jensen_shannon(other, one), abs=1e-12)


@pytest.mark.filterwarnings("ignore:divide by zero")  # of a p value, in scipy
@given(NUMBERS, NUMBERS)
def test_kolmogorov_smirnov_is_that_of_scipy(one: list[int], other: list[int]) -> None:
    expected = ks_2samp(one, other, method="asymp").statistic
    assert kolmogorov_smirnov(one, other) == pytest.approx(expected)


def test_kolmogorov_smirnov_by_hand() -> None:
    assert kolmogorov_smirnov([1, 2], [3, 4]) == 1
    assert kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]) == 0.5
    with pytest.raises(ValueError, match="no number"):
        kolmogorov_smirnov([], [1])
