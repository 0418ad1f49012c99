"""Which noise is named: of made-up errors whose kind is known, and of noise planted in reports."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import icd10
from synthfr.coding.errors import Curve
from synthfr.coding.grid import Classify
from synthfr.coding.metrics import Bools
from synthfr.coding.noise import (
    CONCENTRATED,
    NO_NOISE,
    SPREAD,
    Axes,
    Errs,
    Noise,
    Point,
    decisions_of,
    inject,
    nearest,
    train_noisy,
)
from synthfr.coding.noise.nearest import _limits
from synthfr.coding.predicted import Change, predict
from synthfr.corpora.demo import DemoSizes, corpus

N, CODES = 400, 12
FREQUENCY = np.geomspace(10, 1000, CODES)
LENGTHS = np.arange(N, dtype=np.float64)
AXES = Axes(Curve.over(np.log(FREQUENCY), 4), Curve.over(LENGTHS, 4))
TRUTH = np.random.default_rng(0).random((N, CODES)) < 0.3


def missing(rate_of_codes: Any, rate_of_documents: Any, seed: int) -> Bools:
    """The truth without a share of its cells, by code and by document."""
    rate = np.broadcast_to(rate_of_codes, (N, CODES)) + np.reshape(rate_of_documents, (-1, 1))
    return TRUTH & (np.random.default_rng(seed).random((N, CODES)) >= rate)


def rare(share: float, seed: int) -> Bools:
    """Rare codes are missed."""
    return missing(share * np.linspace(2, 0, CODES), 0, seed)


def long(share: float, seed: int) -> Bools:
    """Long documents' codes are."""
    return missing(0, share * np.linspace(0, 2, N), seed)


NOISY = {NO_NOISE: Errs(TRUTH, [TRUTH, TRUTH])} | {
    Point(name, share): Errs(TRUTH, [made(share, seed) for seed in (1, 2)])
    for name, made in ((SPREAD, rare), (CONCENTRATED, long))
    for share in (0.1, 0.2, 0.3)
}


@pytest.mark.parametrize(("name", "made"), [(SPREAD, rare), (CONCENTRATED, long)])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_errors_of_a_kind_are_told_by_their_curves(name: str, made: Any, share: float) -> None:
    synthetic = Errs(TRUTH, [made(share, seed) for seed in (11, 12)])
    found = nearest(synthetic, NOISY, AXES, seed=0, resamples=200)
    assert list(found["nearest"]) == [name]
    told = found["nearest"][name]
    assert told["mean"] == share and told["low"] <= share <= told["high"]
    assert found["kind"][name] > 0.9
    assert found["distance"][name][f"share={share:g}"]["total"] < 2 * found["own"]
    wins = found["wins"]
    total = wins["none"] + sum(sum(wins[kind].values()) for kind in (SPREAD, CONCENTRATED))
    assert total == pytest.approx(1) == pytest.approx(sum(found["kind"].values()))
    assert found == nearest(synthetic, NOISY, AXES, seed=0, resamples=200)


def test_a_coder_without_noise_is_named_so() -> None:
    found = nearest(Errs(TRUTH, [TRUTH]), NOISY, AXES, 0, 50)
    assert found["nearest"] == {"none": {"mean": 0.0, "low": None, "high": None}}
    assert found["distance"]["none"] == dict.fromkeys(("total", "frequency", "length", "codes"), 0)
    assert set(found["by_part"]) == {"frequency", "length", "codes"}


def test_errors_of_no_kind_are_far_from_all() -> None:
    """Negative control: predictions of other documents, which no noise makes."""
    shuffled = np.random.default_rng(3).permutation(TRUTH)
    found = nearest(Errs(TRUTH, [shuffled, shuffled]), NOISY, AXES, 0, 50)
    assert min(one["total"] for one in found["distance"][SPREAD].values()) > 10 * found["own"]


def test_limits_are_of_the_named_kind_alone() -> None:
    """Errors between two kinds, of which the shares have different units: limits over winners of
    both would reach to a share that the named kind never won with.
    """
    between = [missing(0.3 * np.linspace(2, 0, CODES), 0, seed) for seed in (11, 12)]
    noisy = {
        NO_NOISE: Errs(TRUTH, [TRUTH]),
        Point(SPREAD, 0.2): Errs(TRUTH, [rare(0.3, seed) for seed in (1, 2, 3)]),
        Point(CONCENTRATED, 0.8): Errs(TRUTH, [rare(0.3, seed) for seed in (4, 5, 6)]),
    }
    found = nearest(Errs(TRUTH, between), noisy, AXES, seed=0, resamples=400)
    assert min(found["kind"][SPREAD], found["kind"][CONCENTRATED]) > 0.05  # neither is sure
    ((_, told),) = found["nearest"].items()
    assert told["low"] == told["high"] == told["mean"]


def test_no_noise_is_a_share_of_either_kind() -> None:
    """The limits reach down to 0 where a little noise cannot be told from none."""

    def coders(*seeds: int) -> Errs:
        return Errs(TRUTH, [rare(0.02, seed) for seed in seeds])

    named = set()
    for first in (1, 101, 201, 301):
        noisy = {NO_NOISE: coders(first + 3, first + 4, first + 5)}
        noisy[Point(SPREAD, 0.1)] = coders(first, first + 1, first + 2)
        found = nearest(coders(first + 6, first + 7), noisy, AXES, 0, 400)
        assert 0.05 < found["kind"]["none"] < 0.95
        ((name, told),) = found["nearest"].items()
        named.add(name)
        assert (told["low"], told["high"]) == ((0.0, 0.1) if name == SPREAD else (None, None))
    assert named == {SPREAD, "none"}  # as chance has it


def test_a_kind_that_wins_nowhere_has_no_limits() -> None:
    assert _limits(np.array([])) == {"low": None, "high": None}
    assert _limits(np.array([0.1] * 39 + [0.5])) == {"low": 0.1, "high": 0.1}


def test_distances_by_hand() -> None:
    truth = np.array([[1, 1], [1, 0]], dtype=bool)
    one = np.array([[1, 0], [1, 0]], dtype=bool)  # F1 by code 1, 0; by document 2/3, 1
    axes = Axes(Curve.over(np.array([1.0, 2]), 2), Curve.over(np.array([5.0, 9]), 2))
    noisy = {NO_NOISE: Errs(truth, [truth])}
    told = nearest(Errs(truth, [one]), noisy, axes, 0, 10)["distance"]["none"]
    assert told["codes"] == told["frequency"] == pytest.approx((1 / 2) ** 0.5)
    assert told["length"] == pytest.approx((1 / 9 / 2) ** 0.5)
    assert told["total"] == pytest.approx(((1 / 2 + 1 / 2 + 1 / 18) / 3) ** 0.5)
    # two coders: their mean, and how far each is from the other
    both = nearest(Errs(truth, [one]), {NO_NOISE: Errs(truth, [truth, one])}, axes, 0, 10)
    assert both["distance"]["none"]["codes"] == pytest.approx((1 / 8) ** 0.5)
    # brought to the distance of two means of two coders
    assert both["own"] == pytest.approx(told["total"] * 0.5**0.5)


# --- planted in reports of the demo -----------------------------------------------------------

SIZE = 800
PARAMS = Classify(sizes=[SIZE], top_k=[30], seeds=[0, 1, 2])
UNUSED = Path("the linear coder keeps nothing")


@pytest.fixture(scope="module")
def demo() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    made = corpus(DemoSizes(public=1, private_train=2 * SIZE, private_holdout=800), 0)
    space = icd10.label_space(made.private_train["codes"], 30)
    train = made.private_train
    return train.head(SIZE), train.tail(SIZE), made.private_holdout, space


@pytest.mark.slow
def test_noise_that_was_planted_is_found_again(
    demo: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]],
) -> None:
    real, others, holdout, space = demo
    grid = Noise(shares=[0.1, 0.2, 0.3, 0.4])
    table, _ = train_noisy(real, holdout, PARAMS, grid, space, 0, UNUSED)
    decided = decisions_of(table, holdout["report_id"].tolist(), space, PARAMS.seeds)
    lengths = holdout["text"].str.split().str.len().to_numpy(dtype=np.float64)
    frequency = np.array(
        [sum(code in map(icd10.category, codes) for codes in real["codes"]) for code in space]
    )
    axes = Axes(Curve.over(np.log(frequency), 5), Curve.over(lengths, 5))

    def find(reports: pd.DataFrame, point: Point) -> dict[str, Any]:
        """What is named of coders that learnt from these reports with other noise of this kind."""
        made = []
        for seed in PARAMS.seeds:
            change: Change | None = partial(inject, *point, seed=1000, draw=seed)
            made.append(
                predict(
                    *(reports, holdout, PARAMS, space, SIZE, seed, 0, UNUSED),
                    change if point.share else None,
                )
            )
        truth = made[0].truth
        noisy = {point: Errs(truth, of_point) for point, of_point in decided.items()}
        return nearest(Errs(truth, [one.predicted for one in made]), noisy, axes, 0, 300)

    for point in (Point(SPREAD, 0.2), Point(CONCENTRATED, 0.3)):
        found = find(real, point)
        assert list(found["nearest"]) == [point.hypothesis], point
        told = found["nearest"][point.hypothesis]
        assert told["mean"] == point.share and told["low"] <= point.share <= told["high"]
    # the control: no noise, in the same reports and in others of the same hospital
    assert find(real, NO_NOISE)["nearest"]["none"]["mean"] == 0.0
    (told,) = find(others, NO_NOISE)["nearest"].values()
    assert told["mean"] <= 0.1 and told["low"] in (None, 0.0)
