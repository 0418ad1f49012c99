"""Prompts: one template for training and inference."""

from pathlib import Path

import pytest

from synthfr import prompts
from synthfr.errors import UserError
from synthfr.text.language_names import known_languages


def test_keywords_keep_their_order():
    assert "asthme, HTA" in prompts.render(["asthme", "HTA"], "plain", "fr")


@pytest.mark.parametrize("template", ["plain", "instruct", "published"])
@pytest.mark.parametrize("language", known_languages())
def test_every_template_has_exactly_one_slot(template, language):
    assert prompts.template_text(template, language).count(prompts.SLOT) == 1
    shown = prompts.render(["HTA"], template, language)
    assert "HTA" in shown and "{" not in shown


def test_braces_in_a_keyword_are_left_alone():
    assert "{x}" in prompts.render(["{x}"], "plain", "fr")


def test_no_keyword_is_refused():
    with pytest.raises(UserError, match="at least one keyword"):
        prompts.render([], "plain", "fr")


def test_an_unknown_template_names_the_known_ones():
    for use in (prompts.Prompt, lambda template: prompts.render(["HTA"], template, "fr")):
        with pytest.raises(UserError, match="instruct, plain, published; or name a text file"):
            use(template="plian")


def test_a_language_without_a_template_of_its_own_takes_the_common_one():
    shown = prompts.render(["hypertoni"], "plain", "sv")
    assert shown == "Keywords: hypertoni\nReport in Swedish:\n"
    assert " in Swedish " in prompts.render(["hypertoni"], "instruct", "sv")
    assert prompts.render(["HTA"], "plain", "fr").startswith("Mots-clés")  # negative control


def test_english_prompts_are_as_they_were():
    assert prompts.render(["COPD"], "plain", "en") == "Keywords: COPD\nReport:\n"
    assert " report in English that " in prompts.render(["COPD"], "instruct", "en")


def test_a_language_without_a_file_is_told():
    with pytest.raises(UserError, match=r"^There are no resources .*seed\.language"):
        prompts.render(["Husten"], "plain", "xx")


def test_the_published_form_ends_behind_the_last_heading():
    shown = prompts.render(["asthme", "HTA"], "published", "fr")
    lines = shown.split("\n")
    assert [lines[at] for at in (0, 2, 3, 4, 5)] == [
        "### Instruction", "### Keywords", "asthme, HTA", "### Output", "",
    ]  # fmt: skip
    assert lines[1].startswith("Rédige en français")
    assert " in Swedish " in prompts.render(["hypertoni"], "published", "sv")


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "own.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def test_a_file_is_a_template(tmp_path, monkeypatch):
    own = written(tmp_path, "### {language}\n{keywords}\n### Output\n")
    assert prompts.render(["a", "b"], own, "sv") == "### Swedish\na, b\n### Output\n"
    monkeypatch.chdir(tmp_path)
    assert prompts.render(["a"], "own.txt", "sv") == prompts.render(["a"], own, "sv")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert prompts.render(["a"], "../own.txt", "sv") == prompts.render(["a"], own, "sv")
    with pytest.raises(UserError, match=r"^prompt\.template: own\.txt is not there"):
        prompts.render(["a"], "own.txt", "sv")  # the same name elsewhere is another file


def test_a_file_of_another_editor_is_the_same_template(tmp_path):
    own = written(tmp_path, b"\xef\xbb\xbfMots : {keywords}\r\n")
    assert prompts.render(["HTA"], own, "fr") == "Mots : HTA\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Mots : keywords\n", r"own\.txt has no \{keywords\}, the place of the keywords"),
        ("", r"own\.txt has no \{keywords\}"),
        ("Mots-clés : {keywords}".encode("latin-1"), r"own\.txt is not UTF-8 text: save it"),
        (None, r"own\.txt is not there: correct the path"),
    ],
)
def test_a_file_that_is_no_template_is_told_when_parameters_are_read(tmp_path, content, message):
    own = str(tmp_path / "own.txt") if content is None else written(tmp_path, content)
    with pytest.raises(UserError, match=f"^prompt\\.template: .*{message}"):
        prompts.Prompt(template=own, watch=own)
    with pytest.raises(UserError, match=message):
        prompts.render(["HTA"], own, "fr")


def test_a_folder_is_no_template(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\): name a text file"):
        prompts.Prompt(template=f"{tmp_path}/", watch=f"{tmp_path}/")


def test_a_file_is_watched(tmp_path):
    own = written(tmp_path, "{keywords}\n")
    with pytest.raises(ValueError, match=r"template is a file, and watch is 'models/README\.md'"):
        prompts.Prompt(template=own)
    assert prompts.Prompt(template=own, watch=own).template == own
    assert prompts.Prompt(template="published").watch == "models/README.md"  # no file: the control
