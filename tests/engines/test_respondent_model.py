"""Which model answers: a folder of any origin, a server's name; what is missing is told.
Nothing is loaded that is not asked.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from synthfr.engines.asking import Question, QuestionSettings, model_files, open_respondent
from synthfr.errors import UserError
from synthfr.judging.criteria import GRADES
from tests import tiny
from tests.judging import rounds


def test_a_plain_folder_will_do(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")  # no provenance.json: nobody provided it
    files = model_files(rounds.params(model=str(folder)), "judge")
    assert (files.base, files.name, files.adapters) == (folder, str(folder), ())
    assert not files.chat_template


@pytest.mark.parametrize("place", ["tokenizer_config.json", "chat_template.jinja"])
def test_a_chat_template_is_applied_where_there_is_one(tmp_path: Path, place: str) -> None:
    from synthfr.models import encode_prompts, load_tokenizer

    folder = tiny.save_model(tmp_path / "judge")
    template = "{% for m in messages %}[{{ m.content }}]{% endfor %}"
    template += "{% if add_generation_prompt %}>{% endif %}"
    config = json.loads((folder / "tokenizer_config.json").read_text())
    if place == "tokenizer_config.json":
        (folder / place).write_text(json.dumps(config | {"chat_template": template}))
    else:
        (folder / place).write_text(template)
    files = model_files(rounds.params(model=str(folder)), "judge")
    assert files.chat_template
    words = load_tokenizer(files)
    (ids,) = encode_prompts(words, ["note"], files.chat_template)
    assert words.decode(ids) == "[note]>"


def test_a_server_knows_its_model_by_name(tmp_path: Path) -> None:
    files = model_files(rounds.params(engine="openai", model="big/judge"), "judge")
    assert (files.name, files.base) == ("big/judge", None)
    with pytest.raises(UserError, match="big/judge is known by a server only"):
        _ = files.folder


def test_what_is_not_a_whole_model_is_told(tmp_path: Path) -> None:
    def told(model: str) -> str:
        with pytest.raises(UserError, match=r"^judge\.model: ") as caught:
            model_files(rounds.params(model=model), "judge")
        return str(caught.value)

    assert "neither a folder nor owner/name@commit" in told(str(tmp_path / "nowhere"))
    assert "is no commit" in told("owner/judge@main")
    assert "has no config.json" in told(str(tmp_path))
    folder = tiny.save_model(tmp_path / "judge")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled weights" in told(str(folder))
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer" in told(str(folder))


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
