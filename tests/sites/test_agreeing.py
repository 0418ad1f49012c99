"""What a hospital is shown before it answers, and what it must say yes to by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from synthfr import signing
from synthfr.corpora import Seed
from synthfr.errors import UserError
from synthfr.pipeline import exchange
from synthfr.pipeline.cli import answering
from synthfr.pipeline.parameters import load_params, parse
from synthfr.sites import exchanges, limits
from synthfr.sites.exchanges import Question
from synthfr.sites.leaves import leaves
from tests.sites import toy


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    toy.keys(tmp_path, "paris")
    return tmp_path


def asked(question: Question, hospital: Path, *weaker: str) -> Any:
    bundle = hospital / "question.zip"
    bundle.write_bytes(exchanges.ask(question, hospital / "paris"))
    sender = signing.public_half(hospital / "paris")
    _, params, _ = answering._asked(bundle, question.exchange, [sender], weaker)
    return params


def with_params(**params: Any) -> Question:
    named = {name.replace("__", "."): value for name, value in params.items()}
    return replace(toy.question(), params=toy.PARAMS | named)


def test_each_value_is_shown_by_its_whole_name_and_the_rounds(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(toy.question(), hospital)
    lines = capsys.readouterr().out.splitlines()
    assert "  score.weights.bleu: 0.0" in lines
    assert '  score.release: "order"' in lines
    assert '  rounds or steps: ["dpo1", "dpo2"]' in lines


def test_no_sign_of_a_question_moves_the_cursor(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A value could otherwise write over the lines above it."""
    asked(with_params(tracking={"experiment": "\x1b[2Jours"}), hospital)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert r'tracking.experiment: "\u001b[2Jours"' in out
    with pytest.raises(UserError, match="there is no template") as caught:
        asked(with_params(prompt={"template": "\x1b[2Jplain"}), hospital)
    assert "\x1b" not in str(caught.value)


def test_less_protection_wants_its_name_said(hospital: Path) -> None:
    question = with_params(**{"score.release": "raw", "keywords.min_documents": 2})
    with pytest.raises(UserError, match=r"--weaker keywords\.min_documents --weaker score.release"):
        asked(question, hospital)
    with pytest.raises(UserError, match=r"sets score\.release so that more leaves"):
        asked(question, hospital, "keywords.min_documents")
    params = asked(question, hospital, "keywords.min_documents", "score.release")
    assert params.keywords.min_documents == 2


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"keywords.min_documents": 4}, ["keywords.min_documents"]),
        ({"keywords.min_documents": 5}, []),
        ({"keywords.max_keywords": None}, ["keywords.max_keywords"]),
        ({"keywords.max_keywords": 3}, []),
        ({"keywords.code_sets": "sets"}, ["keywords.code_sets"]),
        ({"keywords.complete_from_codes": True}, ["keywords.complete_from_codes"]),
        ({"score.dp": {"delta": 1e-4, "budget": 9.0}}, ["score.dp.delta", "score.dp.budget"]),
        ({"score.release": "population", "score.dp.epsilon": None}, ["score.dp.epsilon"]),
        ({"score.release": "population", "score.dp.epsilon": 8.0}, []),
        (
            {"fidelity.distances": {"reports": 20, "fewest": 20}},
            ["fidelity.distances.reports", "fidelity.distances.fewest"],
        ),
        ({"fidelity.distances": {"reports": 5000, "fewest": 50}}, []),
        ({"train_coder": {"seeds": [0]}}, ["train_coder.seeds"]),
        ({"train_coder": {"seeds": []}}, []),
    ],
)
def test_what_is_weaker(params: dict[str, Any], found: list[str]) -> None:
    assert limits.weaker(leaves(params)) == found


def test_every_shipped_default_is_within_the_limits_but_a_coder_made_elsewhere() -> None:
    """A network is judged inside only where somebody says so."""
    shipped = leaves(load_params().model_dump(mode="json"))
    assert limits.weaker(shipped) == ["train_coder.seeds"]


def test_the_question_does_not_say_how_the_hospital_s_columns_are_called(tmp_path: Path) -> None:
    """Else one that asks for `codes: surname` would have names told as codes."""
    files = {"private": {"path": "x", "columns": {"codes": "surname"}}}
    seed = Seed.model_validate({"source": "files", "files": files})
    own = answering._with_private(seed, tmp_path / "reports.csv", [])
    assert own.files.private.columns == {}
    named = answering._with_private(seed, tmp_path / "reports.csv", ["codes=icd"])
    assert named.files.private.columns == {"codes": "icd"}


def test_canaries_are_refused_on_both_sides(hospital: Path) -> None:
    with pytest.raises(UserError, match=r"seed\.canaries is above 0"):
        asked(with_params(**{"seed.canaries": 3}), hospital)
    with pytest.raises(UserError, match=r"seed\.canaries is above 0"):
        exchange.question("keywords", None, parse({"seed": {"canaries": 3}}, "here"))
