"""Distances of clouds of vectors: by hand, by `prdc`, of equal clouds, of clouds far apart."""

import contextlib
import io
import tracemalloc
from dataclasses import asdict

import numpy as np
import pytest

from synthfr.fidelity import neighbours
from synthfr.fidelity.frechet import frechet_distance
from synthfr.fidelity.mauve import curve_area, mauve
from synthfr.fidelity.neighbours import Neighbourhoods, neighbourhoods

RNG = np.random.default_rng(0)
CLOUD, OTHER = RNG.normal(size=(300, 8)), RNG.normal(size=(250, 8)) + 0.5
ROUND = np.round(CLOUD * 256) / 256  # their products, and sums of these, are exact in any order


def test_frechet_by_hand() -> None:
    one, other = np.array([[0.0], [2.0]]), np.array([[3.0], [11.0]])
    # means 1 and 7, variances 2 and 32: 36 + 2 + 32 - 2 * 8
    assert frechet_distance(one, other) == pytest.approx(54)
    axes = np.array([[1.0, 0], [-1, 0], [0, 2], [0, -2]])  # covariance diag(2, 8) / 3
    turned = axes[:, ::-1]
    assert frechet_distance(axes, turned) == pytest.approx(2 * 10 / 3 - 4 * np.sqrt(16 / 9))
    with pytest.raises(ValueError, match="covariance"):
        frechet_distance(one, other[:1])


def test_equal_clouds() -> None:
    assert frechet_distance(CLOUD, CLOUD) == pytest.approx(0, abs=1e-9)
    assert set(asdict(neighbourhoods(CLOUD, CLOUD)).values()) == {1.0}
    assert mauve(CLOUD, CLOUD, 0) == pytest.approx(1)


def test_clouds_far_apart() -> None:
    """Negative control."""
    far = CLOUD + 100
    assert frechet_distance(CLOUD, far) == pytest.approx(8 * 100**2)
    assert set(asdict(neighbourhoods(CLOUD, far)).values()) == {0.0}
    assert mauve(CLOUD, far, 0) < 0.005


@pytest.mark.parametrize("nearest", [1, 5])
@pytest.mark.parametrize("cells", [1 << 22, 1000])  # at once, and a few rows at a time
def test_neighbourhoods_are_those_of_prdc(
    nearest: int, cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import prdc

    monkeypatch.setattr(neighbours, "_CELLS", cells)
    for real, made in ((CLOUD, OTHER), (OTHER, CLOUD), (ROUND, ROUND[:100])):
        with contextlib.redirect_stdout(io.StringIO()):
            expected = prdc.compute_prdc(real, made, nearest)
        assert asdict(neighbourhoods(real, made, nearest)) == pytest.approx(expected)


@pytest.mark.parametrize("cells", [1 << 22, 1000])
def test_copies_are_counted_alike_however_distances_round(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A neighbour's copy lies on the border, and the border is left out."""
    monkeypatch.setattr(neighbours, "_CELLS", cells)
    vectors = RNG.normal(size=(300, 32)) * 3
    found = neighbourhoods(vectors, vectors[:100], 1)
    assert found == Neighbourhoods(precision=1.0, recall=found.recall, density=1.0, coverage=1 / 3)


def test_neighbourhoods_by_hand() -> None:
    real = np.array([[0.0], [1.0], [3.0], [10.0]])  # nearest others: 1, 1, 2, 7 away
    made = np.array([[0.5], [4.0], [20.0]])  # 3.5, 3.5, 16
    found = asdict(neighbourhoods(real, made, 1))
    assert found == {
        "precision": 2 / 3,  # .5 is near 0 and 1; 4 near 3, and near 10; 20 near none
        "recall": 1.0,  # 3 is near 4; 10 is 10 away from 20, whose neighbourhood reaches 16
        "density": 4 / 3,
        "coverage": 1.0,
    }
    with pytest.raises(ValueError, match="more than 4"):
        neighbourhoods(real, made, 4)


def test_memory_does_not_grow_with_the_product_of_the_sizes() -> None:
    real, made = RNG.normal(size=(3000, 4)), RNG.normal(size=(6000, 4))
    tracemalloc.start()
    neighbourhoods(real, made)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 130e6 < 3000 * 6000 * 8


def test_the_area_under_the_divergence_curve_by_hand() -> None:
    apart = curve_area(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    # across = (1-w)^5 and up = w^5: the area is 5 B(6, 5) = 1 / 252, here by trapezia
    assert apart == pytest.approx(1 / 252, rel=0.05)
    half = np.array([0.5, 0.5])
    assert curve_area(half, half) == pytest.approx(1)
    assert apart < curve_area(half, np.array([0.4, 0.6])) < 1
