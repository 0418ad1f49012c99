"""The publication's figures stand beside ours in the cells that both have, marked as theirs."""

from __future__ import annotations

from typing import Any

import pytest

from synthfr.coding import decisions, summary
from synthfr.pipeline.page import published
from synthfr.pipeline.page.results import ORIGINAL, ORIGINAL_RULE, REFERENCES, Results

STEPS = ("base", "step0", "dpo1")


def results(
    size: int,
    top_k: int,
    *,
    original: bool = True,
    rule: str = "global_threshold",
    steps: tuple[str, ...] = STEPS,
) -> Results:
    """As `coding.summarise` tells it where `rule` counts."""

    def cell(mean: float) -> dict[str, Any]:
        others = [one for one in ("global_threshold", "fixed_threshold") if one != rule]
        found: dict[str, Any] = {"macro_f1": {"mean": mean}}
        found["rules"] = {one: {"macro_f1": {"mean": mean + 0.05}} for one in others}
        if original:
            found["original"] = {"macro_f1": {"mean": mean + 0.1}}
            if rule != "fixed_threshold":
                own = {"macro_f1": {"mean": mean - 0.1}}
                found["original"]["rules"] = {"fixed_threshold": own}
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
    # at .5, which is the published way, not by the threshold that was tuned
    assert table.rows == [["50000", "50", ".200", ".3256", ".300", ".3507"]]
    assert "both judged the published way" in table.title


def test_the_plain_figures_are_the_published_way_only_where_that_rule_counts() -> None:
    table = published.beside_ours(results(50_000, 50, rule="fixed_threshold"))
    assert table is not None and table.rows[0][2] == ".400"
    assert "both judged the published way" in table.title
    tuned = results(50_000, 50)
    for tree in tuned.trees.values():  # as metrics were that did not tell the original's own rule
        for cell in (one["top_k=50"] for one in tree.values()):
            del cell["original"]["rules"]
    table = published.beside_ours(tuned)
    assert table is not None and table.rows[0][2] == ".300"
    assert "both judged" not in table.title


def test_of_a_rule_that_is_not_known_nothing_is_said() -> None:
    """No other rule is told, so it may be any."""
    for rule, known in (("fixed_threshold", ORIGINAL), ("global_threshold", None)):
        found = results(50_000, 50, rule=rule)
        cells = [one["top_k=50"] for name in STEPS for one in found.trees[name].values()]
        for cell in cells:
            cell[ORIGINAL].pop("rules", None)
        assert found.original == known
        for cell in cells:
            del cell["rules"]
        assert found.original is None


def test_the_names_are_those_of_the_evaluation() -> None:
    assert (ORIGINAL, ORIGINAL_RULE) == (summary.ORIGINAL, decisions.ORIGINAL_RULE)


def test_ours_of_another_evaluation_are_named_so() -> None:
    table = published.beside_ours(results(10_000, 20, original=False))
    assert table is not None and table.rows[0][2] == ".300"
    assert "ours judged without dropping reports" in table.title


@pytest.mark.parametrize(("size", "top_k"), [(1000, 20), (50_000, 30)])
def test_another_grid_shows_nothing_of_theirs(size: int, top_k: int) -> None:
    assert published.beside_ours(results(size, top_k)) is None


def test_another_step_shows_nothing_of_theirs() -> None:
    assert published.beside_ours(results(50_000, 50, steps=("base", "mine"))) is None
