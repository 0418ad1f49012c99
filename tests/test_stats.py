"""Intervals on hand-computed values, and how often they hold what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr.stats import Interval, holm, mean_interval, paired_difference, wilson


def test_student_t_of_three_seeds() -> None:
    # mean 2, s = 1, t(2, .975) = 4.302653; half width = 4.302653 / sqrt(3) = 2.484138
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.mean == 2.0
    assert interval.low == pytest.approx(2 - 2.484138, abs=1e-6)
    assert interval.high == pytest.approx(2 + 2.484138, abs=1e-6)
    assert interval.as_dict() == {"mean": 2.0, "low": interval.low, "high": interval.high}


def test_one_value_says_nothing_about_spread() -> None:
    interval = mean_interval([0.7])
    assert interval.mean == 0.7 and interval.as_dict() == {"mean": 0.7}
    assert np.isnan(interval.low) and np.isnan(interval.high)


def test_of_two_values_there_is_no_interval_but_the_values() -> None:
    two = mean_interval([0.7, 0.5])
    assert two.values == (0.7, 0.5) and np.isnan(two.low) and np.isnan(two.high)
    assert two.as_dict() == {"mean": pytest.approx(0.6), "min": 0.5, "max": 0.7}
    # a share of two reports is another matter: Wilson's limits hold
    assert wilson(1, 2).as_dict().keys() == {"mean", "low", "high"}


def test_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one number"):
        mean_interval([])


def test_paired_difference_sees_what_the_separate_intervals_hide() -> None:
    before = [0.1, 0.5, 0.9]
    after = [0.2, 0.61, 0.99]
    gain = paired_difference(after, before)
    assert gain.mean == pytest.approx(0.1)
    assert gain.low > 0
    assert mean_interval(after).low < mean_interval(before).high  # unpaired, they overlap
    mixed = paired_difference([0.9, 0.5, 0.1], before)  # negative control
    assert mixed.low < 0 < mixed.high
    with pytest.raises(ValueError, match="pairs are missing"):
        paired_difference([1.0], before)


def test_wilson_by_hand() -> None:
    # 8 of 10, z = 1.959964: centre (.8 + z²/20) / (1 + z²/10) = .716740, half width .226577
    interval = wilson(8, 10)
    assert interval.mean == 0.8
    assert interval.low == pytest.approx(0.490162, abs=1e-5)
    assert interval.high == pytest.approx(0.943317, abs=1e-5)


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 20).low == 0 and wilson(0, 20).high == pytest.approx(0.161130, abs=1e-5)
    assert wilson(20, 20).high == 1 and wilson(20, 20).low == pytest.approx(0.838870, abs=1e-5)
    for successes, n in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no share"):
            wilson(successes, n)


def test_coverage_of_the_t_interval() -> None:
    """95 % of intervals over three draws hold the true mean; a normal interval would hold 80 %."""
    rng = np.random.default_rng(7)
    hits = sum(
        (interval := mean_interval(rng.normal(1, 1, 3))).low < 1 < interval.high
        for _ in range(2000)
    )
    assert 0.935 < hits / 2000 < 0.965


def test_intervals_are_values() -> None:
    assert Interval(1, 0, 2, 3) == Interval(1, 0, 2, 3)


def test_holm_by_hand() -> None:
    """Sorted .01 .02 .03 .04: 4 x .01 = .04, 3 x .02 = .06, 2 x .03 = .06, .04 lifted to .06."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    m = len(p_values)
    for p_value, one in zip(p_values, adjusted, strict=True):
        assert (p_value <= one + 1e-12 and one <= min(1.0, m * p_value + 1e-12) + 1e-12) or (
            one == max(adjusted[i] for i in range(m) if p_values[i] <= p_value)
        )
    order = sorted(range(m), key=lambda at: p_values[at])
    assert [adjusted[at] for at in order] == sorted(adjusted)
    assert min(adjusted) == pytest.approx(min(1.0, m * min(p_values)))
