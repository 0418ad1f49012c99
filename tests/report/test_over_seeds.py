"""Tables over several seeds of the whole loop, on hand-computed values."""

from __future__ import annotations

import pytest

from synthfr.report import over_seeds
from synthfr.report.results import Results

STEPS = ("step0", "dpo1")
T_2 = 4.302652729911275  # Student's t, two degrees of freedom, 97.5 %


def results(step0: float, dpo1: float, public: float, private: float) -> Results:
    def tree(mean: float) -> dict:
        cell = {metric: {"mean": mean} for metric in ("macro_f1", "map")}
        return {"size=100": {"top_k=5": cell}}

    values = {"step0": step0, "dpo1": dpo1, "public_seed": public, "private_train": private}
    return Results(STEPS, {name: tree(value) for name, value in values.items()})


def record(*seeds: Results) -> dict:
    return {
        "seeds": list(range(len(seeds))),
        "steps": list(STEPS),
        "metrics": over_seeds.collect(seeds),
    }


THREE = (results(0.5, 0.6, 0.4, 0.9), results(0.4, 0.6, 0.4, 0.8), results(0.5, 0.7, 0.4, 0.9))


def test_gain_gap_and_intervals_are_computed_seed_by_seed() -> None:
    (row,) = over_seeds.comparisons(record(*THREE), "macro_f1")
    assert (row.size, row.top_k) == (100, 5)
    assert row.mean("step0").mean == pytest.approx(1.4 / 3)
    assert row.gain.mean == pytest.approx((0.2 + 0.5 + 0.4) / 3)
    assert row.gap_closed.mean == pytest.approx((0.25 + 0.5 + 0.5) / 3)
    assert row.falls()["dpo1"].mean == pytest.approx(0.5 / 3)
    deviation = (((-0.1 / 3 - 0.1 / 3) ** 2 + 2 * (0.1 / 3) ** 2) / 2) ** 0.5
    assert row.over_public_seed().high - row.over_public_seed().mean == pytest.approx(
        T_2 * deviation / 3**0.5
    )
    assert row.over_public_seed().excludes_zero


def test_equal_steps_have_a_gain_whose_interval_holds_zero() -> None:
    same = [results(0.5, 0.52, 0.4, 0.9), results(0.5, 0.48, 0.4, 0.9), results(0.5, 0.5, 0.4, 0.9)]
    (row,) = over_seeds.comparisons(record(*same), "macro_f1")
    assert not row.gain.excludes_zero


def test_a_cell_that_one_seed_lacks_is_left_out() -> None:
    lacking = Results(STEPS, {**THREE[0].trees, "dpo1": {}})
    assert over_seeds.comparisons(record(THREE[0], lacking), "macro_f1") == []


def test_the_table_says_the_gain_with_its_interval() -> None:
    head, rows = over_seeds.table(record(*THREE), "macro_f1")
    assert head[4] == "dpo1 vs step0"
    assert rows[0][4].startswith("+36.7 % [")
    one_head, one = over_seeds.table(record(THREE[0]), "map")
    assert one_head == head
    assert one[0][2] == ".500"  # a single seed has no interval
