"""A model from outside the pipeline: a folder of any origin; what is missing is told."""

import json
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.models import ModelFiles
from synthfr.models.instruct import instruct_files, weights_identity
from tests import tiny


def test_a_plain_folder_will_do(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")  # no provenance.json: nobody provided it
    files = instruct_files(str(folder), "judge.model")
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
    files = instruct_files(str(folder), "judge.model")
    assert files.chat_template
    words = load_tokenizer(files)
    (ids,) = encode_prompts(words, ["note"], files.chat_template)
    assert words.decode(ids) == "[note]>"


def test_what_only_a_server_has_is_no_folder() -> None:
    files = ModelFiles("big/judge", None)
    with pytest.raises(UserError, match="big/judge is known by a server only"):
        _ = files.folder


def test_what_is_not_a_whole_model_is_told(tmp_path: Path) -> None:
    def told(model: str) -> str:
        with pytest.raises(UserError, match=r"^judge\.model: ") as caught:
            instruct_files(model, "judge.model")
        return str(caught.value)

    assert "neither a folder nor owner/name@commit" in told(str(tmp_path / "nowhere"))
    assert "is no commit" in told("owner/judge@main")
    assert "has no config.json" in told(str(tmp_path))
    folder = tiny.save_model(tmp_path / "judge")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled weights" in told(str(folder))
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer" in told(str(folder))


def test_other_weights_are_another_model(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "judge")
    files = instruct_files(str(folder), "judge.model")
    before = weights_identity(files)
    assert before and weights_identity(files) == before
    tiny.save_model(folder, hidden=64)
    assert weights_identity(files) != before
    assert weights_identity(ModelFiles("big/judge", None)) == ""
