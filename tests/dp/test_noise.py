"""The discrete Gaussian against its closed form; one key, one noise; an attack that it stops."""

import math

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from synthfr.dp import accounting
from synthfr.dp.noise import GRID, KeyedBits, discrete_gaussian, distance


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def pmf(sigma: int, reach: int) -> np.ndarray:
    """P(-reach), ..., P(reach), from the definition."""
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum())


def counted(draws: np.ndarray, reach: int) -> np.ndarray:
    """How often each of -reach, ..., reach; what lies beyond, at the ends."""
    return np.bincount(np.clip(draws, -reach, reach) + reach, minlength=2 * reach + 1)


@pytest.mark.parametrize(("sigma", "reach"), [(1, 3), (3, 9), (8, 24)])
def test_draws_have_the_closed_form(sigma: int, reach: int) -> None:
    draws = discrete_gaussian(key(1), sigma, 20_000)
    whole = pmf(sigma, 10 * sigma)
    tail = whole[: 9 * sigma + sigma - reach].sum()
    expected = whole[10 * sigma - reach : 10 * sigma + reach + 1]
    expected[[0, -1]] += tail
    assert chisquare(counted(draws, reach), expected * len(draws)).pvalue > 1e-3
    # negative control: another spread is told from it
    other = pmf(sigma + 1, 12 * sigma)[12 * sigma - reach : 12 * sigma + reach + 1]
    assert chisquare(counted(draws, reach), other / other.sum() * len(draws)).pvalue < 1e-9


def test_wide_noise_is_the_gaussian_to_the_eye() -> None:
    sigma = 3 * GRID
    draws = discrete_gaussian(key(2), sigma, 20_000) / sigma
    by_decile = np.histogram(norm.cdf(draws), bins=10, range=(0, 1))[0]
    assert chisquare(by_decile).pvalue > 1e-3


def test_the_bound_of_the_distance_holds() -> None:
    for sigma in (1, 2, 5):
        reach = 12 * sigma
        edges = norm.cdf((np.arange(-reach, reach + 2) - 0.5) / sigma)
        apart = np.abs(pmf(sigma, reach) - np.diff(edges)).sum() / 2
        assert 0 < apart < distance(sigma, 1)
    assert distance(5, 7) == pytest.approx(7 * distance(5, 1))
    assert distance(GRID, 200_000) < 1e-19


def test_one_key_one_noise() -> None:
    again = discrete_gaussian(key(3), GRID, 50)
    assert (discrete_gaussian(key(3), GRID, 50) == again).all()
    assert (discrete_gaussian(key(3), GRID, 80)[:50] == again).all()
    other = discrete_gaussian(key(4), GRID, 50)
    assert (other != again).all()
    assert len(set(again.tolist())) == 50


def test_golden_draws() -> None:
    """What was answered once is answered so for ever."""
    assert discrete_gaussian(key(0), 1000, 6).tolist() == [-726, -866, -1306, -83, 1774, 358]


def test_integers_below_are_even() -> None:
    bits = KeyedBits(key(5))
    drawn = [bits.below(6) for _ in range(6_000)]
    assert chisquare(np.bincount(drawn, minlength=6)).pvalue > 1e-3
    assert [bits.below(1) for _ in range(3)] == [0, 0, 0]
    assert max(bits.below(1 << 200) for _ in range(50)) > 1 << 190


def test_nonsense_is_refused() -> None:
    for sigma in (0, -1, GRID << 17):
        with pytest.raises(ValueError, match="sigma"):
            discrete_gaussian(key(0), sigma, 1)
    with pytest.raises(ValueError, match="key"):
        KeyedBits(b"short")


# --- an attack ----------------------------------------------------------------------------------

FPR = 0.05
WORLDS = 2_000


def found_by_the_best_attack(noisy: bool, same_noise: bool = False) -> float:
    """Share of the corpora with the patient that are told from those without, at `FPR`, by the
    likelihood ratio: the patient's own vector against the released sums. Every corpus is another
    question and has noise of its own, unless `same_noise`.
    """
    patient = np.array([0.6, -0.8]) * GRID  # of norm 1
    mu = 1.5
    sigma = math.ceil(GRID / mu)
    without, with_patient = (
        [
            float((at * patient + noise) @ patient) / GRID**2
            for number in range(WORLDS)
            for noise in [
                discrete_gaussian(key(10 + (0 if same_noise else 2 * number + at)), sigma, 2)
                if noisy
                else np.zeros(2)
            ]
        ]
        for at in (0, 1)
    )
    threshold = np.quantile(without, 1 - FPR)
    return float(np.mean(np.array(with_patient) > threshold))


def test_noise_holds_the_best_attack_under_the_ceiling() -> None:
    ceiling = accounting.tpr_ceiling(1.5, FPR)
    found = found_by_the_best_attack(noisy=True)
    slack = 0.065  # three standard errors: of the share (.011) and of the threshold (.019)
    assert found < ceiling + slack
    assert found > ceiling - slack  # and it is the best one: the accounting wastes nothing
    # negative controls: without noise, and with noise that is not keyed by the question
    assert found_by_the_best_attack(noisy=False) == 1
    assert found_by_the_best_attack(noisy=True, same_noise=True) == 1
