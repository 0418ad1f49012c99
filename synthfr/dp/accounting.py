"""What noisy sums tell of one patient: Gaussian differential privacy (Dong, Roth and Su 2022,
"Gaussian differential privacy", J. R. Stat. Soc. B 84).

A release is the sum of one vector a patient, each of Euclidean norm at most 1, plus Gaussian noise
of standard deviation `sigma` in every coordinate. It is mu-GDP with mu = sensitivity / sigma:
telling two neighbouring corpora apart is no easier than telling N(0, 1) from N(mu, 1). Which
corpora are neighbours decides the sensitivity:

* ``add_remove``: one patient more or fewer; the sum moves by at most 1;
* ``replace_one``: one patient's reports in another's stead; by at most 2.

Releases together are mu-GDP with mu = sqrt(mu_1^2 + ... + mu_n^2) (their Corollary 2), also when
the later questions depend on the earlier answers, and their noise too, as long as the sum of the
squares stays within what was allowed (Smith and Thakurta 2022, "Fully adaptive composition for
Gaussian differential privacy"). It is exact for Gaussian noise: no accountant does better.

The noise here is the discrete Gaussian (`synthfr.dp.noise`), which is no post-processing of the
Gaussian one; how far it may be from it is `distance`, and `epsilon` pays for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any, Literal

Neighbours = Literal["add_remove", "replace_one"]
SENSITIVITY: dict[Neighbours, float] = {"add_remove": 1.0, "replace_one": 2.0}

HIGHEST_DELTA = 1e-4  # above it a patient of ten thousand may be given away whole
HIGHEST_EPSILON = 20.0  # what is exp(20) = 5e8 times as likely is all but certain: no promise
# part of delta that is kept for the distance between the discrete and the Gaussian noise
_RESERVE = 1e-3
_PRECISION = 1e-9  # of epsilon: the root finder's own is 2e-12


def mu_of(sigma: float, neighbours: Neighbours) -> float:
    """mu of one release whose noise has standard deviation `sigma`, in units of the norm bound."""
    if not sigma > 0:
        raise ValueError("noise without spread hides nothing: sigma must be above 0")
    return SENSITIVITY[neighbours] / sigma


def composed(mus: Sequence[float]) -> float:
    """mu of all these releases together; none: 0."""
    return math.hypot(*mus)


def epsilon(mu: float, delta: float, distance: float = 0.0) -> float:
    """Least epsilon for which releases of this `mu` together are (epsilon, delta)-DP (Dong, Roth
    and Su, Corollary 1, by opacus), to 1e-9 above.

    `distance`: total variation between the releases and those with Gaussian noise (sum over
    releases). Whatever is (epsilon, d)-DP with Gaussian noise is (epsilon, d + (1 + e^epsilon)
    distance)-DP with noise so near to it: on either side of the inequality an event's probability
    moves by at most `distance`. A thousandth of delta is kept for that.

    Infinite above `HIGHEST_EPSILON`, and where the distance wants more of delta.
    """
    if not 0 < delta < 1:
        raise ValueError("delta is a probability, above 0 and below 1")
    kept = delta * (1 - _RESERVE)
    found = _gaussian_epsilon(mu, kept)
    paid_for = found <= HIGHEST_EPSILON and (1 + math.exp(found)) * distance <= delta - kept
    return found if paid_for else math.inf


@cache
def sigma_for(epsilon_wanted: float, delta: float, releases: int, neighbours: Neighbours) -> float:
    """Standard deviation of each of `releases` equal releases that together are
    (`epsilon_wanted`, `delta`)-DP, in units of the norm bound: what `epsilon` tells of them is
    never more.
    """
    if not 0 < epsilon_wanted <= HIGHEST_EPSILON:
        raise ValueError(f"epsilon must be above 0 and at most {HIGHEST_EPSILON:g}")
    kept = delta * (1 - _RESERVE)
    # the delta of an epsilon grows with mu; _PRECISION is what `epsilon` adds
    told = max(epsilon_wanted - _PRECISION, 0.0)
    low, high = 0.0, 2 * HIGHEST_EPSILON
    for _ in range(80):  # bisection, on the private side
        middle = (low + high) / 2
        if _opacus_gdp().delta_eps_mu(eps=told, mu=middle) <= kept:
            low = middle
        else:
            high = middle
    sigma = SENSITIVITY[neighbours] * math.sqrt(releases) / low
    # roundings, and the root finder that `epsilon` asks, may tell a little more than was asked for
    more = 1e-12
    while epsilon(composed([mu_of(sigma, neighbours)] * releases), delta) > epsilon_wanted:
        sigma *= 1 + more
        more *= 2
    return sigma


def tpr_ceiling(mu: float, fpr: float) -> float:
    """The largest share of the true that any attack finds at a false positive rate `fpr`, whatever
    it knows: 1 - G_mu(fpr) = Phi(Phi^-1(fpr) + mu) (Dong, Roth and Su, equation 6).
    """
    from statistics import NormalDist

    if not 0 <= fpr <= 1:
        raise ValueError("a false positive rate is between 0 and 1")
    if fpr in (0.0, 1.0):
        return fpr
    normal = NormalDist()
    return normal.cdf(normal.inv_cdf(fpr) + mu)


def _gaussian_epsilon(mu: float, delta: float) -> float:
    """`opacus` looks for a root in [0, 500]; there is none where epsilon is 0, or above 500."""
    gdp = _opacus_gdp()
    if mu == 0 or gdp.delta_eps_mu(eps=0.0, mu=mu) <= delta:
        return 0.0
    if gdp.delta_eps_mu(eps=500.0, mu=mu) >= delta:
        return math.inf
    return float(gdp.eps_from_mu(mu=mu, delta=delta)) + _PRECISION


@cache
def _opacus_gdp() -> Any:
    """``opacus.accountants.analysis.gdp``, by its file: the package itself loads torch, which takes
    seconds, and these few formulas want scipy alone.
    """
    package = util.find_spec("opacus")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("opacus is not installed", name="opacus")
    file = Path(package.submodule_search_locations[0], "accountants", "analysis", "gdp.py")
    spec = util.spec_from_file_location("opacus_gdp", file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{file} cannot be loaded", name="opacus")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
