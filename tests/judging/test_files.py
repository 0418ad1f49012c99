"""Which model judges: a folder of any origin, a server's name; what is missing is told."""

import json
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.judging.judge_model import identity, judge_files
from tests import tiny
from tests.judging import rounds


def test_a_plain_folder_will_do(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")  # no provenance.json: nobody provided it
    files = judge_files(rounds.params(model=str(folder)))
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
    files = judge_files(rounds.params(model=str(folder)))
    assert files.chat_template
    words = load_tokenizer(files)
    (ids,) = encode_prompts(words, ["note"], files.chat_template)
    assert words.decode(ids) == "[note]>"


def test_a_server_knows_its_model_by_name(tmp_path: Path) -> None:
    files = judge_files(rounds.params(engine="openai", model="big/judge"))
    assert (files.name, files.base) == ("big/judge", None)
    with pytest.raises(UserError, match="big/judge is known by a server only"):
        _ = files.folder


def test_what_is_not_a_whole_model_is_told(tmp_path: Path) -> None:
    def told(model: str) -> str:
        with pytest.raises(UserError, match=r"^judge\.model: ") as caught:
            judge_files(rounds.params(model=model))
        return str(caught.value)

    assert "neither a folder nor owner/name@commit" in told(str(tmp_path / "nowhere"))
    assert "is no commit" in told("owner/judge@main")
    assert "has no config.json" in told(str(tmp_path))
    folder = tiny.save_model(tmp_path / "judge")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled weights" in told(str(folder))
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer" in told(str(folder))


def test_other_weights_or_another_server_are_another_judge(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")
    files = judge_files(rounds.params(model=str(folder)))
    before = identity(files, rounds.engines())
    assert identity(files, rounds.engines()) == before
    tiny.save_model(folder, hidden=64)
    assert identity(files, rounds.engines()) != before
