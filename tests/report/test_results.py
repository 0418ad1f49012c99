"""The figures behind the tables: read from partial or whole metrics, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthfr.files import write_json
from synthfr.report import Sources
from synthfr.report.results import Estimate, Results, Row, load, percent, short
from tests.report.conftest import STEPS, grid


def test_estimates_are_those_of_the_files(sources: Sources) -> None:
    found = load(sources.metrics, STEPS)
    assert (found.sizes, found.top_k) == ((250, 1000), (10, 20))
    assert found.estimate("dpo1", 250, 20, "macro_f1") == Estimate(
        pytest.approx(0.59), pytest.approx(0.57), pytest.approx(0.61)
    )
    assert found.estimate("dpo1", 250, 20, "original/macro_f1").mean == pytest.approx(0.8)
    assert found.estimate("dpo1", 250, 20, "rules/top_k_mean/macro_f1").mean == pytest.approx(0.5)


def test_rows_have_the_published_form(sources: Sources) -> None:
    rows = load(sources.metrics, STEPS).rows()
    assert [(row.size, row.top_k) for row in rows] == [(250, 10), (250, 20), (1000, 10), (1000, 20)]
    assert [str(one) for one in rows[0].steps] == [
        *(".500 ± .020", ".600 ± .020", ".650 ± .020", ".700 ± .020")
    ]
    assert rows[0].gain == pytest.approx(0.4)
    assert rows[0].gap_closed == pytest.approx(0.5)  # from .5 to .7, of .5 to .9


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    write_json(tmp_path / "classify" / "dpo1.json", grid(0.6))
    rows = load(tmp_path, STEPS).rows()
    assert len(rows) == 4
    assert rows[0].steps[0] is None and rows[0].steps[1] is not None
    assert rows[0].gain is None and rows[0].gap_closed is None
    assert load(tmp_path / "nowhere", STEPS).rows() == []


def test_one_seed_has_no_interval() -> None:
    tree = {"size=5": {"top_k=2": {"macro_f1": {"mean": 0.25}}}}
    found = Results(("step0",), {"step0": tree})
    assert str(found.estimate("step0", 5, 2, "macro_f1")) == ".250"


def test_a_first_step_that_is_already_above_the_bound_closes_no_gap() -> None:
    row = Row(5, 2, (Estimate(0.5), Estimate(0.6)), (None, Estimate(0.4)))
    assert row.gap_closed is None
    assert Row(5, 2, (Estimate(0.0), Estimate(0.6)), (None, None)).gain is None


@pytest.mark.parametrize(
    ("value", "text"), [(0.5374, ".537"), (-0.02, "-.020"), (1.0, "1.000"), (0.9996, "1.000")]
)
def test_shares_are_printed_as_papers_do(value: float, text: str) -> None:
    assert short(value) == text


def test_changes_carry_their_sign() -> None:
    assert [percent(value) for value in (0.277, -0.05, None)] == ["+27.7 %", "-5.0 %", "–"]
