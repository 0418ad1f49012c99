"""The original's evaluation drops reports: neither how many nor a figure tells of few patients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from synthfr.coding import evaluate_grid, evaluate_real, summarise
from synthfr.coding.summary import ORIGINAL, Cell
from tests.coding import toy

UNUSED = Path("the linear coder keeps nothing")
ONE = toy.params(sizes=[60], top_k=[1], seeds=[0])


def reports(codes: list[list[str]], prefix: str) -> pd.DataFrame:
    """Of each, a word for every code and three reports' worth of others."""
    texts = [" ".join([*(f"signe {code}" for code in one), f"jour {n % 7}"]) for n, one in
             enumerate(codes)]  # fmt: skip
    return pd.DataFrame(
        {"report_id": [f"{prefix}{n}" for n in range(len(codes))], "text": texts, "codes": codes}
    )


def original(
    training: list[list[str]], holdout: list[list[str]], space: list[str], **rest: Any
) -> tuple[list[Cell], dict[str, Any]]:
    """The cells of the original's evaluation, and their summary."""
    private = reports(holdout, "h").assign(**rest.pop("columns", {}))
    cells = evaluate_grid(
        reports(training, "s"), private, ONE, space, 0, UNUSED, **{"min_documents": 5} | rest
    )
    summary = summarise(cells, "global_threshold")["size=60"]["top_k=1"]
    return [one for one in cells if one["evaluation"] == ORIGINAL], summary.get("original", {})


RARE = [["Z99"]] * 45 + [["I10"]] * 15  # the most frequent code of those that learn


def test_a_code_that_was_not_exported_is_no_label() -> None:
    """Whoever writes the synthetic reports could ask so who has a code."""
    holdout = [["Z99"]] * 2 + [["I10"]] * 40
    cells, told = original(RARE, holdout, ["I10"])
    assert cells == [] and told == {}  # two patients are dropped
    cells, told = original(RARE, [["Z99"]] * 5 + [["I10"]] * 40, ["I10"])
    assert told["evaluated_reports"]["mean"] == 40 and {one["labels"] for one in cells} == {1}
    # negative control: where it is exported, and ten have it, it is asked for
    _, asked = original(RARE, [["Z99"]] * 10 + [["I10"]] * 40, ["I10", "Z99"])
    assert asked["evaluated_reports"]["mean"] == 10


def test_nothing_is_told_of_few_patients_that_are_kept() -> None:
    holdout = [["Z99"]] * 4 + [["I10"]] * 40
    cells, told = original(RARE, holdout, ["I10", "Z99"])
    assert cells == [] and told == {}
    assert original(RARE, holdout, ["I10", "Z99"], min_documents=4)[1]["evaluated_reports"]
    # eight reports of four patients are no more
    twice = {"patient_id": [f"p{n // 2}" for n in range(48)]}
    more = [["Z99"]] * 8 + [["I10"]] * 40
    assert original(RARE, more, ["I10", "Z99"], columns=twice) == ([], {})
    assert original(RARE, more, ["I10", "Z99"])[1]["evaluated_reports"]["mean"] == 8


def test_how_many_few_patients_are_dropped_is_not_told() -> None:
    holdout = [["I10"]] * 4 + [["Z99"]] * 40
    assert original(RARE, holdout, ["I10", "Z99"]) == ([], {})  # rates would tell it, too
    _, five = original(RARE, [["I10"]] * 5 + [["Z99"]] * 40, ["I10", "Z99"])
    assert five["evaluated_reports"]["mean"] == 40 and five["macro_f1"]["mean"] == 1
    _, every = original(RARE, [["Z99"]] * 40, ["I10", "Z99"])  # none is dropped
    assert every["evaluated_reports"]["mean"] == 40


def test_of_private_training_reports_neither() -> None:
    few = [["Z99"]] * 57 + [["I10"]] * 3
    holdout = [["Z99"]] * 40 + [["I10"]] * 10
    private = reports(few, "r"), reports(holdout, "h")
    rest = (ONE, ["Z99", "I10"], 0, UNUSED, None, 5)
    for of_training in (True, False):  # the public seed may be counted
        cells = evaluate_real(*private, *rest, of_training)
        told = summarise(cells, "global_threshold")["size=60"]["top_k=1"]["original"]
        assert ("trained_reports" in told) is not of_training
        assert told["evaluated_reports"]["mean"] == 40


def test_the_unbiased_evaluation_drops_nobody_and_tells_all() -> None:
    cells = evaluate_grid(
        reports(RARE, "s"), reports([["Z99"]] * 4 + [["I10"]] * 40, "h"), ONE, ["I10", "Z99"], 0,
        UNUSED, min_documents=5,
    )  # fmt: skip
    told = summarise(cells, "global_threshold")["size=60"]["top_k=1"]
    assert told["evaluated_reports"]["mean"] == 44 and "original" not in told
