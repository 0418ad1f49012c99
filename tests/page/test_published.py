"""The publication's figures stand beside ours in the cells that both have, marked as theirs."""

from __future__ import annotations

from typing import Any

import pytest

from synthfr.pipeline.page import published
from synthfr.pipeline.page.results import REFERENCES, Results

STEPS = ("base", "step0", "dpo1")


def results(
    size: int, top_k: int, *, original: bool = True, steps: tuple[str, ...] = STEPS
) -> Results:
    def cell(mean: float) -> dict[str, Any]:
        found: dict[str, Any] = {"macro_f1": {"mean": mean}}
        if original:
            found["original"] = {"macro_f1": {"mean": mean + 0.1}}
        return {f"size={size}": {f"top_k={top_k}": found}}

    trees = {step: cell(0.2 + 0.1 * number) for number, step in enumerate(steps)}
    return Results(steps, trees | {name: {} for name in REFERENCES})


def test_the_published_grid_is_whole() -> None:
    assert len(published.cells()) == 9
    assert all(list(one) == ["step0", "dpo1", "dpo2", "dpo3"] for one in published.cells().values())
    assert published.cells()[50_000, 100]["dpo3"] == 0.3159


def test_ours_and_theirs_stand_side_by_side() -> None:
    table = published.beside_ours(results(50_000, 50))
    assert table is not None
    heads = ["step0", "step0, theirs", "dpo1", "dpo1, theirs"]
    assert table.head == ["reports", "top k", *heads]  # the bare base has no published figure
    assert table.rows == [["50000", "50", ".400", ".3256", ".500", ".3507"]]
    assert "both judged the published way" in table.title


def test_ours_of_another_evaluation_are_named_so() -> None:
    table = published.beside_ours(results(10_000, 20, original=False))
    assert table is not None and table.rows[0][2] == ".300"
    assert "ours judged without dropping reports" in table.title


@pytest.mark.parametrize(("size", "top_k"), [(1000, 20), (50_000, 30)])
def test_another_grid_shows_nothing_of_theirs(size: int, top_k: int) -> None:
    assert published.beside_ours(results(size, top_k)) is None


def test_another_step_shows_nothing_of_theirs() -> None:
    assert published.beside_ours(results(50_000, 50, steps=("base", "mine"))) is None
