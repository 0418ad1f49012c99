"""The figures behind the tables: read from partial or whole metrics, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthfr.disk import write_json
from synthfr.pipeline.page import Sources, baselines, faithfulness_figures, headline, text_tables
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import percent, short
from synthfr.pipeline.page.results import Estimate, Results, Row, load
from tests.page.conftest import STEPS, grid


def test_estimates_are_those_of_the_files(sources: Sources) -> None:
    found = load(sources.measured, STEPS)
    assert (found.sizes, found.top_k) == ((250, 1000), (10, 20))
    assert found.estimate("dpo1", 250, 20, "macro_f1") == Estimate(
        pytest.approx(0.59), pytest.approx(0.57), pytest.approx(0.61)
    )
    assert found.estimate("dpo1", 250, 20, "original/macro_f1").mean == pytest.approx(0.8)
    assert found.estimate("dpo1", 250, 20, "rules/top_k_mean/macro_f1").mean == pytest.approx(0.5)


def test_rows_have_the_published_form(sources: Sources) -> None:
    rows = load(sources.measured, STEPS).rows()
    assert [(row.size, row.top_k) for row in rows] == [(250, 10), (250, 20), (1000, 10), (1000, 20)]
    assert {step: str(one) for step, one in rows[0].steps.items()} == {
        "base": ".560 ± .020",
        "step0": ".500 ± .020",
        "dpo1": ".600 ± .020",
        "dpo2": ".650 ± .020",
        "dpo3": ".700 ± .020",
    }
    assert rows[0].gain == pytest.approx(0.25)  # .7 over .56, which is more than step0's .5
    assert rows[0].gap_closed == pytest.approx(0.14 / 0.34)  # from .56 to .7, of .56 to .9


def test_without_the_bare_base_the_gain_starts_from_step0(sources: Sources) -> None:
    row = load(sources.measured, STEPS[1:]).rows()[0]
    assert row.best_baseline == ("step0", row.steps["step0"])
    assert row.gain == pytest.approx(0.4)


def test_the_better_baseline_counts_whichever_it_is(sources: Sources) -> None:
    write_json(sources.metrics / "classify" / "base.json", grid(0.3))
    row = load(sources.measured, STEPS).rows()[0]
    assert row.best_baseline is not None and row.best_baseline[0] == "step0"
    assert row.gain == pytest.approx(0.4)


@pytest.mark.parametrize("missing", ["base", "step0", "dpo3"])
def test_a_baseline_that_was_not_measured_leaves_no_gain(sources: Sources, missing: str) -> None:
    """Over the other one alone it would look larger than it is."""
    (sources.metrics / "classify" / f"{missing}.json").unlink()
    row = load(sources.measured, STEPS).rows()[0]
    assert row.gain is None and row.gap_closed is None


def test_a_size_that_the_public_seed_does_not_reach_is_a_dash(sources: Sources) -> None:
    small = {key: cells for key, cells in grid(0.62).items() if key == "size=250"}
    references = {"public_seed": small, "private_train": grid(0.9)}
    write_json(sources.metrics / "reference.json", references)
    rows = text_tables.grid(load(sources.measured, STEPS), "macro_f1").rows
    assert [row[8] for row in rows] == [".620 ± .020", ".610 ± .020", "–", "–"]
    assert "–" not in [row[-1] for row in rows]  # the gap closed needs private train alone


def test_gains_under_every_decision_rule(sources: Sources) -> None:
    found = load(sources.measured, STEPS)
    assert found.rules == ("top_k_mean",)
    assert found.gains_by_rule(250, 10) == {
        "the chosen rule": pytest.approx(0.25),
        "top_k_mean": pytest.approx(0.6 / 0.46 - 1),
    }


def test_the_headline_names_what_it_compares_with(sources: Sources) -> None:
    told = text_tables.headline(load(sources.measured, STEPS))
    assert told == (
        "Gain of dpo3 over the better of bare base and step0 (here bare base), 1000 reports, "
        "top 20: macro-F1 +25.5 %, mAP +21.2 %; under the 2 decision rules macro-F1 gains from "
        "+25.5 % (the chosen rule) to +30.4 % (top_k_mean)."
    )
    old = text_tables.headline(load(sources.measured, STEPS[1:]))
    assert old is not None and old.startswith("Gain of dpo3 over step0, 1000 reports")
    (sources.metrics / "classify" / "dpo3.json").unlink()
    assert text_tables.headline(load(sources.measured, STEPS)) is None


def test_the_few_figures_of_a_step_have_its_gain_over_the_best_baseline(sources: Sources) -> None:
    found = headline.figures(sources.measured, STEPS)
    assert found["dpo3"]["gain_macro_f1"] == pytest.approx(0.69 / 0.55 - 1)  # top 20: .01 less
    assert found["dpo3"]["gain_map"] == pytest.approx(0.8 / 0.66 - 1)
    assert found["base"]["gain_macro_f1"] == 0  # the better baseline itself
    assert found["step0"]["gain_macro_f1"] == pytest.approx(0.49 / 0.55 - 1)
    assert len({tuple(figures) for figures in found.values()}) == 1  # the same names
    (sources.metrics / "classify" / "base.json").unlink()  # step0 alone would be easier to beat
    assert "gain_macro_f1" not in headline.figures(sources.measured, STEPS)["dpo3"]
    assert headline.figures(Measured(sources.metrics / "nowhere"), STEPS)["dpo3"] == {}


def test_faithfulness_is_read_by_step_and_may_be_missing(sources: Sources) -> None:
    (sources.metrics / "fidelity" / "dpo1.json").unlink()
    found = faithfulness_figures.load(sources.measured, STEPS)
    assert list(found) == ["code_recall", "left_out"]
    assert found["code_recall"] == [0.5, 0.6, None, pytest.approx(0.8), pytest.approx(0.9)]
    table = text_tables.by_step(found, STEPS)
    assert table.head == ["measure", "bare base", "step0", "dpo1", "dpo2", "dpo3"]
    assert table.rows[0] == ["code recall", ".500", ".600", "–", ".800", ".900"]
    assert table.rows[1][0] == "left out"  # a measure that nobody gave a title
    assert faithfulness_figures.load(Measured(sources.metrics / "nowhere"), STEPS) == {}


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    write_json(tmp_path / "classify" / "dpo1.json", grid(0.6))
    rows = load(Measured(tmp_path), STEPS).rows()
    assert len(rows) == 4
    assert rows[0].steps["step0"] is None and rows[0].steps["dpo1"] is not None
    assert rows[0].gain is None and rows[0].gap_closed is None
    assert load(Measured(tmp_path / "nowhere"), STEPS).rows() == []


def test_one_seed_has_no_interval() -> None:
    tree = {"size=5": {"top_k=2": {"macro_f1": {"mean": 0.25}}}}
    found = Results(("step0",), {"step0": tree})
    assert str(found.estimate("step0", 5, 2, "macro_f1")) == ".250"


def test_a_first_step_that_is_already_above_the_bound_closes_no_gap() -> None:
    def row(first: float, goal: float | None) -> Row:
        beside = {"private_train": None if goal is None else Estimate(goal)}
        return Row(5, 2, {"step0": Estimate(first), "dpo1": Estimate(0.6)}, beside)

    assert row(0.5, 0.4).gap_closed is None and row(0.5, None).gap_closed is None
    assert row(0.5, 0.7).gap_closed == pytest.approx(0.5)
    assert row(0.0, None).gain is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.5374, ".537"), (-0.02, "-.020"), (1.0, "1.000"), (0.9996, "1.000")]
)
def test_shares_are_printed_as_papers_do(value: float, text: str) -> None:
    assert short(value) == text


def test_differences_carry_their_sign() -> None:
    assert [short(value, sign=True) for value in (0.02, -0.02, 1.0)] == ["+.020", "-.020", "+1.000"]


@pytest.mark.parametrize(
    ("steps", "expected", "head"),
    [
        (STEPS, ("base", "step0"), "dpo3 vs the better of bare base and step0"),
        (STEPS[1:], ("step0",), "dpo3 vs step0"),
        (("base", "dpo1"), ("base",), "dpo1 vs bare base"),
        (("dpo1", "dpo2"), ("dpo1",), "dpo2 vs dpo1"),
        (("step0",), ("step0",), "step0 vs step0"),
        (("base", "step0"), ("base",), "step0 vs bare base"),  # never itself
    ],
)
def test_baselines_are_those_there_are(
    steps: tuple[str, ...], expected: tuple[str, ...], head: str
) -> None:
    assert baselines.baseline_steps(steps) == expected
    assert baselines.gain_title(steps) == head


def test_changes_carry_their_sign() -> None:
    assert [percent(value) for value in (0.277, -0.05, None)] == ["+27.7 %", "-5.0 %", "–"]
