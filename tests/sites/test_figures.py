"""Which figures may leave a hospital."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from synthfr import __version__, signing
from synthfr.errors import UserError
from synthfr.sites import bundle, exchanges, figures
from synthfr.sites.exchanges import STAGES, Answer
from synthfr.sites.manifest import Manifest
from tests.sites import toy

DEMO = Path(__file__).parents[2] / "docs/demo/metrics"
ALL = tuple(figures.FORMS)


@pytest.mark.parametrize("stage", ["classify", "fidelity", "privacy", "judge_coder"])
def test_all_that_the_demo_tells_has_a_form(stage: str) -> None:
    files = sorted((DEMO / stage).glob("*.json"))
    assert files
    for path in files:
        assert figures.unknown({stage: json.loads(path.read_text())}, ALL) == []


def test_every_stage_of_an_exchange_has_forms() -> None:
    assert {one for stages in STAGES.values() for one in stages} == set(figures.FORMS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("privacy/tests/copied_runs/durand", 1),
        ("privacy/tests/copied_runs/exceeds", 2),
        ("privacy/tests/copied_runs/exceeds", True),
        ("privacy/tests/copied_runs/p_value", 1.5),
        ("privacy/tests/Durand/p_value", 0.5),
        ("privacy/verdict", 3),
        ("classify/size=1000/top_k=10/I10/mean", 0.5),
        ("judge_coder/size=1000/top_k=10/I10/mean", 0.5),
        ("judge_coder/size=1000/top_k=10/original/macro_f1/mean", 0.5),
        ("judge_coder/size=1000/top_k=10/macro_f1/seed=a", 0.5),
        ("fidelity/documents", 40),
        ("keywords/private/documents", 40.5),
        ("keywords/private/documents", 10**10),
        ("release/total/mean", 1e6),
        ("notes/n", 1),
        ("reference/mixed_public/public_share=0.8/size=250/top_k=30/macro_f1/mean", 0.5),
        ("score", 1),
    ],
)
def test_what_has_no_form_or_is_out_of_range_is_named(path: str, value: Any) -> None:
    tree: Any = value
    for name in reversed(path.split("/")):
        tree = {name: tree}
    assert figures.unknown(tree, ALL) == [path]


def test_a_figure_of_another_exchange_has_no_place() -> None:
    measures = {"release": {"spread": 0.5}}
    assert figures.unknown(measures, STAGES["scores"]) == []
    assert figures.unknown(measures, STAGES["evaluation"]) == ["release/spread"]


def test_it_is_refused_on_both_sides(tmp_path: Path) -> None:
    (key,) = toy.keys(tmp_path, "lyon")
    question = toy.question()
    tables = toy.answer(question).answer.tables
    with pytest.raises(ValueError, match="may not leave: score/oldest"):
        exchanges.reply(question, Answer(tables, 6, {"score": {"oldest": 97}}), key)
    sent = exchanges.reply(question, Answer(tables, 6, {"score": {"prompts": 6}}), key)
    parts = toy.parts(sent)
    payload = signing.verify(
        parts.pop("manifest.dsse.json"), bundle.PAYLOAD_TYPE, signing.public_half(key)
    )
    told = json.loads(payload)
    assert told["software"] == __version__
    hostile = Manifest.model_validate(told | {"measures": {"score": {"oldest": 97}}})
    sender = [signing.public_half(key)]
    with pytest.raises(UserError, match="has 1 figures that an answer about scores does not have"):
        exchanges.read_answer(bundle.pack(hostile, parts, key), "scores", sender)
    assert exchanges.read_answer(sent, "scores", sender)[0].measures == {"score": {"prompts": 6}}
