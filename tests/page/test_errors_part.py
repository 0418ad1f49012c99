"""The page's part on errors: coders of the steps beside the real one, and what is held back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from synthfr.pipeline.page import errors_part
from synthfr.pipeline.page.errors_part import Errors
from synthfr.pipeline.page.measured import Measured
from tests.page.conftest import errors as curves

STEPS = ("base", "step0", "dpo1")


def interval(mean: float, half: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def coder(within: float) -> dict[str, Any]:
    """As `errors` tells it of a coder."""
    kind = {
        "total": 1200,
        "within": interval(within, 0.1),
        "within_by_chance": 0.25,
        "out": interval(1 - within, 0.1),
        "unmapped": None,
        "by_family": {"I": {"codes": 7, "documents": 7}, "IV": None, "IX": {"codes": 90}},
    }
    return {
        "profile": {"predicted_per_document": 2.5, "true_per_document": 3.0},
        "copying": {
            "predicted": {"exact": interval(0.5, 0.05), "strict_subset": None, "empty": None},
        },
        "families": {"chapter": {"false_positives": kind, "false_negatives": None}},
        "frequency": {"pearson": interval(0.5, 0.25), "spearman": None},
    }


def load(folder: Path, files: dict[str, Any], steps: tuple[str, ...] = STEPS) -> Errors:
    for step, tree in files.items():
        path = folder / f"errors/{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tree), encoding="utf-8")
    return errors_part.load(Measured(folder, Path.is_file), steps)


def tables(found: Errors) -> list[dict[str, list[str]]]:
    """Of each table: row -> cells; the head stands under ""."""
    return [
        {"": list(table.columns)} | {name: list(cells) for name, cells in table.rows}
        for _, table in found.tables
    ]


@pytest.fixture
def analysed() -> dict[str, Any]:
    tree = {"real": coder(0.4), "size": 100, "top_k": 9}
    return {"step0": tree | {"synthetic": coder(0.6)}, "dpo1": tree | {"synthetic": coder(0.5)}}


def test_the_real_coder_stands_beside_the_steps(tmp_path: Path, analysed: dict[str, Any]) -> None:
    copied, relatives, by_chapter, correlated = tables(load(tmp_path, analysed))
    assert copied[""] == ["step0", "dpo1", "private train"]  # the bare base was not analysed
    assert copied["codes a report that it gives"] == ["2.50"] * 3
    assert copied["sets given: one of training, exactly"] == [".50 [.45, .55]"] * 3
    assert relatives["wrong codes"] == ["1,200"] * 3
    assert relatives["wrong, in the chapter of a true code"] == [
        ".60 [.50, .70]", ".50 [.40, .60]", ".40 [.30, .50]",
    ]  # fmt: skip
    assert relatives["wrong, in it by chance"] == [".25"] * 3
    assert relatives["wrong, in another chapter"][2] == ".60 [.50, .70]"
    assert list(by_chapter) == ["", "IX", "I"]  # most errors first; of IV nothing may be told
    assert by_chapter[""][:2] == ["wrong, dpo1", "wrong, private train"]
    assert by_chapter["IX"] == ["90", "90", "held back", "held back"]
    assert correlated["code, ln frequency: Pearson"] == [".50 [.25, .75]"] * 3


def test_what_is_held_back_is_named_so_and_no_figure_takes_its_place(
    tmp_path: Path, analysed: dict[str, Any]
) -> None:
    copied, relatives, _, correlated = tables(load(tmp_path, analysed))
    assert copied["sets given: part of one of training"] == ["held back"] * 3
    assert copied["sets given: empty"] == ["held back"] * 3
    assert "sets given: none of these" not in copied  # not measured is not held back
    assert relatives["missed codes"] == ["held back"] * 3
    assert "wrong, no ICD-10 code" not in relatives
    assert "code, ln frequency: Spearman" not in correlated  # of too few points: no secret
    assert "held back" not in str(correlated)


def test_categories_have_their_own_tables_where_codes_are_finer(
    tmp_path: Path, analysed: dict[str, Any]
) -> None:
    for tree in analysed.values():
        for name in ("real", "synthetic"):
            tree[name] = json.loads(json.dumps(tree[name]))
            families = tree[name]["families"]
            families["category"] = families["chapter"] | {}
            families["category"]["false_positives"]["unmapped"] = interval(0.1, 0.05)
            many = {f"A{number:02}": {"codes": 10 + number} for number in range(30)}
            families["category"]["false_positives"] |= {"by_family": many}
    *_, relatives, by_category, _ = tables(load(tmp_path, analysed))
    assert relatives["wrong, in the category of a true code"][2] == ".40 [.30, .50]"
    assert relatives["wrong, no ICD-10 code"] == [".10 [.05, .15]"] * 3
    assert list(by_category)[1:3] == ["A29", "A28"] and len(by_category) == 1 + 20


def test_bins_that_are_told_are_drawn_of_all_coders_on_the_same_axes(tmp_path: Path) -> None:
    found = load(tmp_path, {"step0": curves(0.5), "dpo1": curves(0.7)})
    drawn = re.sub(r"<(path|use|g)[^>]*>|\s+", " ", found.curves)
    assert found.curves.count("<svg") == 1
    assert all(f">{name}<" in drawn for name in ("step0", "dpo1", "private train"))
    assert ">10<" in drawn and ">30<" in drawn  # reports that have the code
    other = load(tmp_path / "other", {"step0": curves(0.5), "dpo1": curves(0.8)})
    assert other.curves != found.curves


def test_nothing_that_may_be_told_nothing_drawn(tmp_path: Path) -> None:
    tree = curves(0.5)
    tree["curves"] = {axis: {"bin=1": None, "bin=2": None} for axis in tree["curves"]}
    assert load(tmp_path, {"dpo1": tree}).curves == ""
    assert load(tmp_path / "none", {}) == Errors("", [])
