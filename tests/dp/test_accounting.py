"""Epsilon of Gaussian releases, against numerical integration and opacus's other accountant."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.dp import accounting

DELTA = 1e-5
MARGIN = 1e-3  # of delta, kept for the noise's distance from a Gaussian


def delta_by_integration(epsilon: float, mu: float) -> float:
    """The hockey-stick divergence of N(mu, 1) from N(0, 1): the integral of (p - e^epsilon q)+."""
    from scipy.integrate import quad
    from scipy.stats import norm

    start = epsilon / mu + mu / 2  # where p = e^epsilon q
    value, _ = quad(
        lambda x: norm.pdf(x, mu) - math.exp(epsilon) * norm.pdf(x), start, start + 12, epsabs=0
    )
    return float(value)


@pytest.mark.parametrize("mu", [0.01, 0.1, 0.5, 1.0, 2.0, 3.0])
def test_epsilon_is_that_of_the_definition(mu: float) -> None:
    found = accounting.epsilon(mu, DELTA)
    assert delta_by_integration(found, mu) <= DELTA
    assert delta_by_integration(found * (1 - 1e-3), mu) > DELTA * (1 - MARGIN)


def test_known_figures() -> None:
    # Balle and Wang 2018: the Gaussian mechanism of noise 1 is (1, .1269)-DP
    assert accounting.epsilon(1.0, 0.12693673750664397 / (1 - MARGIN)) == pytest.approx(1, abs=1e-6)
    assert accounting.composed([]) == 0
    assert accounting.composed([3.0, 4.0]) == 5
    assert accounting.epsilon(0.0, DELTA) == 0
    assert accounting.epsilon(1e-7, DELTA) == 0  # the total variation alone is below delta
    assert accounting.epsilon(5.0, DELTA) == math.inf
    assert accounting.epsilon(100.0, DELTA) == math.inf


@pytest.mark.parametrize(("sigma", "releases"), [(2.1, 1), (3.6, 3), (1.0, 3)])
def test_no_more_than_other_accountants_say(sigma: float, releases: int) -> None:
    """Renyi's is looser; that of privacy loss distributions is exact but for a stated error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from opacus.accountants import PRVAccountant, RDPAccountant

        by_prv, by_renyi = PRVAccountant(), RDPAccountant()
        for one in (by_prv, by_renyi):
            for _ in range(releases):
                one.step(noise_multiplier=sigma, sample_rate=1.0)
        prv, renyi = by_prv.get_epsilon(delta=DELTA), by_renyi.get_epsilon(delta=DELTA)
    mus = [accounting.mu_of(sigma, "add_remove")] * releases
    found = accounting.epsilon(accounting.composed(mus), DELTA)
    assert found < renyi
    assert found == pytest.approx(prv, abs=0.02)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.05, 18), st.integers(1, 10), st.sampled_from([1e-7, 1e-5, 1e-3]))
def test_noise_for_an_epsilon_keeps_it(epsilon: float, releases: int, delta: float) -> None:
    for neighbours in accounting.SENSITIVITY:
        sigma = accounting.sigma_for(epsilon, delta, releases, neighbours)
        mu = accounting.composed([accounting.mu_of(sigma, neighbours)] * releases)
        found = accounting.epsilon(mu, delta)
        assert epsilon - 1e-4 < found <= epsilon


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 3.3, 15, 20])
@pytest.mark.parametrize("releases", [1, 3, 7])
def test_no_more_than_the_epsilon_that_was_asked_for(epsilon: float, releases: int) -> None:
    """To the last bit: above 20 it would be infinite."""
    sigma = accounting.sigma_for(epsilon, DELTA, releases, "replace_one")
    mu = accounting.composed([accounting.mu_of(sigma, "replace_one")] * releases)
    assert accounting.epsilon(mu, DELTA) <= epsilon


def test_torch_is_not_loaded_for_a_formula() -> None:
    code = (
        "import sys; from synthfr.dp import accounting; "
        "accounting.epsilon(1.0, 1e-5); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_replacing_a_patient_takes_twice_the_noise() -> None:
    one, other = (accounting.sigma_for(2, DELTA, 3, kind) for kind in accounting.SENSITIVITY)
    assert other == pytest.approx(2 * one)


def test_distance_from_gaussian_noise_is_paid_for() -> None:
    bare = accounting.epsilon(1.0, DELTA)
    assert accounting.epsilon(1.0, DELTA, 1e-11) == bare
    # e^4.4 of 1e-9 is 8e-8, more than the thousandth of delta that is kept
    assert accounting.epsilon(1.0, DELTA, 1e-9) == math.inf


def test_ceiling_of_an_attack() -> None:
    assert accounting.tpr_ceiling(0, 0.01) == pytest.approx(0.01)
    assert accounting.tpr_ceiling(1, 0.5) == pytest.approx(0.8413447)
    assert accounting.tpr_ceiling(2, 0.01) == pytest.approx(0.3720806)
    assert accounting.tpr_ceiling(1, 0) == 0
    assert accounting.tpr_ceiling(1, 1) == 1
    epsilon, mu = accounting.epsilon(1.0, DELTA), 1.0
    for fpr in np.geomspace(1e-6, 0.9, 20):  # what (epsilon, delta) alone says is no sharper
        assert accounting.tpr_ceiling(mu, fpr) <= math.exp(epsilon) * fpr + DELTA


@pytest.mark.parametrize(
    "call",
    [
        lambda: accounting.mu_of(0.0, "add_remove"),
        lambda: accounting.mu_of(math.nan, "add_remove"),
        lambda: accounting.epsilon(1.0, 0.0),
        lambda: accounting.sigma_for(0.0, DELTA, 3, "add_remove"),
        lambda: accounting.sigma_for(21.0, DELTA, 3, "add_remove"),
        lambda: accounting.tpr_ceiling(1.0, 1.5),
    ],
)
def test_nonsense_is_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call()  # type: ignore[operator]
