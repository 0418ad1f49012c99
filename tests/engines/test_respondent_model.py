"""Which model answers, and when it is loaded: nothing is that is not asked."""

from pathlib import Path
from typing import Any

import pytest

from synthfr.engines.asking import Question, QuestionSettings, open_respondent
from synthfr.judging.criteria import GRADES
from tests import tiny
from tests.judging import rounds


def chunks(model: Path | str, scratch: Path, served_as: str = "{name}", **changes: Any) -> Path:
    """Where answers of a model are kept until the run is done."""
    engines = rounds.engines()
    openai = engines.openai.model_copy(update={"model": served_as})
    engines = engines.model_copy(update={"openai": openai})
    params = rounds.params(model=str(model), **changes)
    with open_respondent(
        "judge", params, engines, seed=(7, "judge"), merged=scratch / "merged", scratch=scratch
    ) as respondent:
        assert respondent is not None
        return respondent.chunks


def test_other_weights_or_another_server_are_another_judge(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")
    before = chunks(folder, tmp_path)
    assert chunks(folder, tmp_path) == before
    tiny.save_model(folder, hidden=64)
    assert chunks(folder, tmp_path) != before
    served = [chunks("big", tmp_path, name, engine="openai") for name in ("a", "a", "b")]
    assert served[0] == served[1] != served[2]


def test_a_model_is_loaded_when_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not again when all answers of a killed run are there."""
    from synthfr import models

    loads, load = [], models.load
    monkeypatch.setattr(models, "load", lambda files: loads.append(files.name) or load(files))
    folder = str(tiny.save_model(tmp_path / "judge", context=6000))
    questions = [Question(("p0", 0), "Note ce texte : fièvre.")]
    for loaded, asked in ((0, []), (1, questions), (1, questions)):
        with open_respondent(
            "judge",
            rounds.params(model=folder, max_new_tokens=60, temperature=2.0),
            rounds.engines(),
            seed=(7, "judge"),
            merged=tmp_path / "merged",
            scratch=tmp_path,
        ) as respondent:
            assert respondent is not None
            assert len(respondent.answer(asked, GRADES).by_id) == len(asked)
        assert loads == [folder] * loaded


def test_without_a_model_there_is_nobody_to_ask(tmp_path: Path) -> None:
    for params, asked in (
        (rounds.params(kind="none", model="nowhere"), False),
        (QuestionSettings(), False),
        (QuestionSettings(engine="openai", model="big"), True),  # the control
    ):
        with open_respondent(
            "judge", params, rounds.engines(), seed=(7,), merged=tmp_path, scratch=tmp_path
        ) as respondent:
            assert (respondent is not None) is asked
