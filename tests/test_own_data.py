"""`synth-fr init`: what it guesses, what it writes, what it refuses; and README's way to one's own
data, as it is pasted.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from synthfr.corpora import demo
from synthfr.corpora.corpus import Corpus
from synthfr.corpora.demo import DemoSizes
from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.models.base import Base
from synthfr.pipeline import profiles
from synthfr.pipeline.cli import app
from synthfr.pipeline.column_guess import guess, list_separator
from synthfr.pipeline.own_data import BACKUP, base_settings, base_word, write
from synthfr.pipeline.parameters import load_params, parse
from synthfr.pipeline.recipe import check_sections
from tests import tiny

ROOT = Path(__file__).parents[1]
PUBLIC, PRIVATE = "data/public/raw/cases.jsonl", "data/private/raw/stays.csv"
READMES = [ROOT / "README.md", *ROOT.glob("recipes/*/README.md"), ROOT / "slurm/README.md"]


@pytest.fixture(scope="session")
def reports() -> Corpus:
    return demo.corpus(DemoSizes(public=40, private_train=70, private_holdout=30), random_seed=0)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: Corpus) -> Path:
    """A committed checkout with the files that README's example names."""
    for name in ("params.yaml", "dvc.yaml", ".gitignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in ("data/public/raw", "data/public/codes", "data/private/raw"):
        (tmp_path / folder).mkdir(parents=True)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "shipped"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    with (tmp_path / PUBLIC).open("w", encoding="utf-8") as file:
        for row in reports.public.itertuples():
            file.write(json.dumps({"id": row.report_id, "text": row.text, "codes": row.codes}))
            file.write("\n")
    stays = pd.concat([reports.private_train, reports.private_holdout])
    pd.DataFrame(
        {
            "stay_no": [f"s{row}" for row in range(len(stays))],
            "patient": [f"p{row}" for row in range(len(stays))],
            "letter": stays["text"].tolist(),
            "icd10": ["|".join(codes) for codes in stays["codes"]],
        }
    ).to_csv(tmp_path / PRIVATE, index=False)
    codes = reports.codes.assign(synonyms=["|".join(own) for own in reports.codes["synonyms"]])
    codes.to_csv(tmp_path / "data/public/codes/codes.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answers)


def init(*more: str, answers: str | None = None) -> Result:
    named = ("--public", PUBLIC, "--private", PRIVATE)
    return run("init", *named, *more, answers=answers)


def blocks(readme: Path, kind: str, heading: str = "") -> list[str]:
    """The fenced blocks of a kind, below a heading."""
    text = readme.read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [block for mark, block in re.findall(r"```(\w*)\n(.*?)```", text, re.S) if mark == kind]


def yaml_of(text: str, tmp_path: Path) -> Any:
    (tmp_path / "block.yaml").write_text(text, encoding="utf-8")
    return read_yaml(tmp_path / "block.yaml")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_every_yaml_block_of_a_readme_can_be_pasted(readme: Path, tmp_path: Path) -> None:
    """Laid over the shipped parameters, and pasted over the sections that it names."""
    recipe = readme.parent if (readme.parent / "params.yaml").is_file() else ROOT
    for number, block in enumerate(blocks(readme, "yaml")):
        overlay = yaml_of(block, tmp_path)
        params = Path(shutil.copy(recipe / "params.yaml", tmp_path / f"{number}.yaml"))
        profiles.lay(params, overlay)
        load_params(params)
        pasted = {**read_yaml(recipe / "params.yaml"), **overlay}
        parse(pasted, "pasted")
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(recipe / "dvc.yaml", folder)
        (folder / "params.yaml").write_text(json.dumps(pasted), encoding="utf-8")
        check_sections(folder)
    assert blocks(ROOT / "README.md", "yaml")  # else nothing was looked at


def test_a_pasted_block_that_does_not_do_is_told(tmp_path: Path) -> None:
    """The control: an unknown key, and a value that dvc.yaml fills in and the block leaves out."""
    data = read_yaml(ROOT / "params.yaml")
    with pytest.raises(UserError, match="did you mean 'files'"):
        parse({**data, "seed": {"source": "files", "file": {}}}, "pasted")
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    short = {**data, "seed": {"source": "files", "language": "fr", "files": {}}}
    parse(short, "pasted")  # defaults of ours
    (tmp_path / "params.yaml").write_text(json.dumps(short), encoding="utf-8")
    with pytest.raises(UserError, match=r"no value 'seed.files.codes.path', which stage seed"):
        check_sections(tmp_path)


def test_readmes_way_to_your_own_data_runs_as_it_stands(checkout: Path, tmp_path: Path) -> None:
    (script,) = blocks(ROOT / "README.md", "", "Your own data")
    lines = [shlex.split(line, comments=True) for line in script.splitlines()]
    assert [line[:2] for line in lines] == [
        ["synth-fr", "init"], ["synth-fr", "check-data"], ["dvc", "repro"], ["synth-fr", "results"],
    ]  # fmt: skip
    for line in lines[:2]:
        result = run(*line[1:])
        assert result.exit_code == 0, result.output
    (shown,) = blocks(ROOT / "README.md", "yaml", "Your own data")
    written = read_yaml("params.yaml")
    assert {change.name for change in profiles._changes(written, yaml_of(shown, tmp_path))} == set()
    assert load_params("params.yaml").classify.sizes[-1] < 100  # fitted to 70 reports
    comments = [
        line.partition(" # ")[2].strip()
        for line in (ROOT / "params.yaml").read_text().splitlines()
        if " # " in line
    ]
    assert all(comment in Path("params.yaml").read_text() for comment in comments)


def test_what_was_there_is_kept_and_changes_are_not_overwritten_unasked(checkout: Path) -> None:
    own = Path("params.yaml").read_text().replace("beta: 0.1 ", "beta: 0.2 ")
    Path("params.yaml").write_text(own)
    refused = init("--yes")
    assert refused.exit_code == 1 and "holds changes of yours" in refused.output
    assert Path("params.yaml").read_text() == own
    assert not Path(BACKUP).exists()
    assert init("--yes", "--force").exit_code == 0
    assert Path(BACKUP).read_text() == own
    after = load_params("params.yaml")
    assert (after.dpo.beta, after.seed.source) == (0.2, "files")
    ignored = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True)
    assert BACKUP not in ignored.stdout


def test_asked_for_what_nobody_told(checkout: Path) -> None:
    """Files, language and base by answers; the guessed columns are refused, and named anew."""
    stays = pd.read_csv(PRIVATE).rename(columns={"letter": "ward_words"})
    stays.assign(remark="a remark that is long enough to be taken for the text of a report").to_csv(
        PRIVATE, index=False
    )
    answers = [PUBLIC, PRIVATE, "", "fr", "tiny", "y", "y", "nonsense", "ward_words"]
    result = run("init", answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "There is no such column" in result.output
    columns = load_params("params.yaml").seed.files.private.columns
    assert columns["text"] == "ward_words"
    assert load_params("params.yaml").seed.files.codes.path == "data/public/codes"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--language", "xx"], "no resources for 'xx'"),
        (["--base", "owner/name"], "has no commit"),
        (["--columns", "letter"], "is not ours=theirs"),
        (["--columns", "private.text=lettre"], "has no column 'lettre'"),
        (["--columns", "text=lettre"], "no file has such a column"),
        (["--columns", "private.label=letter"], "is no column of the private side"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    checkout: Path, more: list[str], message: str
) -> None:
    before = Path("params.yaml").read_bytes()
    result = init("--yes", *more)
    assert result.exit_code == 1 and message in result.output
    assert Path("params.yaml").read_bytes() == before


def test_private_reports_where_git_would_take_them_are_refused(checkout: Path) -> None:
    before = Path("params.yaml").read_bytes()
    shutil.move(PRIVATE, "stays.csv")
    result = run("init", "--yes", "--public", PUBLIC, "--private", "stays.csv")
    assert result.exit_code == 1 and "git would take it" in result.output
    assert Path("params.yaml").read_bytes() == before


def test_files_with_mistakes_are_named_and_left_to_check_data(checkout: Path) -> None:
    stays = pd.read_csv(PRIVATE)
    stays.loc[3, "letter"] = " "
    stays.to_csv(PRIVATE, index=False)
    result = init("--yes")
    assert "the text is empty" in result.output and "synth-fr check-data" in result.output
    assert load_params("params.yaml").seed.source == "files"
    assert load_params("params.yaml").classify.sizes == [250, 500, 1000]


def test_a_second_choice_leaves_nothing_of_the_first(checkout: Path) -> None:
    assert init("--yes").exit_code == 0
    assert "patient_id" in load_params("params.yaml").seed.files.private.columns
    pd.read_csv(PRIVATE).drop(columns="patient").to_csv(PRIVATE, index=False)
    assert init("--yes", "--force").exit_code == 0
    assert "patient_id" not in load_params("params.yaml").seed.files.private.columns


def test_what_an_earlier_init_was_told_need_not_be_told_again(
    checkout: Path, tmp_path: Path
) -> None:
    """As `init` asks for it: mend the files or a parameter, then `synth-fr init --force`."""
    unnamed = run("init", "--yes")
    assert unnamed.exit_code == 1 and "--public is wanted" in unnamed.output  # of the demo: nothing
    stays = pd.read_csv(PRIVATE)
    stays.assign(ward_words=stays["letter"]).to_csv(PRIVATE, index=False)
    base = str(tiny.save_model(tmp_path / "base"))
    told = ["--columns", "private.text=ward_words", "--base", base]
    assert init("--yes", *told).exit_code == 0
    first = load_params("params.yaml")
    assert first.seed.files.private.columns["text"] == "ward_words"
    for again in (
        run("init", "--yes", "--force"),
        run("init", "--force", answers="\n" * 8),  # the defaults
    ):
        assert again.exit_code == 0, again.output
        after = load_params("params.yaml")
        assert (after.seed, after.base) == (first.seed, first.base)
    other = PRIVATE.replace("stays", "others")
    shutil.copy(PRIVATE, other)
    assert run("init", "--yes", "--force", "--private", other).exit_code == 0
    after = load_params("params.yaml")  # the columns of one file are not another's
    assert after.seed.files.private.columns["text"] == "letter"
    assert after.seed.files.public == first.seed.files.public


def test_base_is_a_word(tmp_path: Path) -> None:
    folder = str(tiny.save_model(tmp_path / "base"))
    assert base_settings("tiny")["base.source"] == "tiny"
    assert base_settings(folder)["base.path"] == folder
    told = base_settings(f"owner/name@{'c' * 40}")
    assert (told["base.source"], told["base.repo_id"]) == ("hub", "owner/name")
    for word in ("tiny", folder, f"owner/name@{'c' * 40}"):
        own = {name.partition(".")[2]: value for name, value in base_settings(word).items()}
        assert base_word(Base.model_validate(own)) == word
    for wrong in ("nowhere", "owner/name@main"):
        with pytest.raises(UserError, match="--base"):
            base_settings(wrong)


LONG = [
    "Un long compte rendu du service, pour que ce soit un texte.",
    "Un autre, plus long encore.",
]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"stay": ["s1", "s2"], "letter": LONG, "ICD": ["I10;E11.9", "J18"], "IPP": [1, 1]},
            {"report_id": "stay", "text": "letter", "codes": "ICD", "patient_id": "IPP"},
        ),
        (
            {"ID": [1, 2], "Texte": LONG, "codes_cat3": [["I10"], ["E11"]],
             "codes_cim10_fr": [["I10"], ["E11.9"]]},
            {"report_id": "ID", "text": "Texte", "codes": "codes_cim10_fr"},
        ),
        (  # a name is not all: these are neither ids nor codes
            {"id": [1, 1], "text": LONG, "codes": ["fièvre", "toux"]},
            {"text": "text"},
        ),
        (  # no header: text is no name
            {"s1": ["s2", "s3"], LONG[0]: LONG, "I10": ["E11", "J18"]},
            {"report_id": "s1"},
        ),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_name_and_cells(
    columns: dict[str, list[Any]], expected: dict[str, str]
) -> None:
    assert guess(columns, "private", "fr") == expected


def test_labels_in_the_reports_language_and_separators() -> None:
    listed = {"code": ["I10"], "label_fr": ["Hypertension"], "label_en": ["Hypertension"]}
    assert guess(listed, "codes", "en")["label"] == "label_en"
    assert guess(listed, "codes", "fr")["label"] == "label_fr"
    assert list_separator(["I10|E11.9", "J18"]) == "|"
    assert list_separator(["I10", "J18"]) is None


def test_nothing_is_written_of_parameters_that_are_not_valid(checkout: Path) -> None:
    from synthfr.pipeline.own_data import Choice

    before = Path("params.yaml").read_bytes()
    with pytest.raises(UserError, match=r"seed\.language"):
        write(Path("params.yaml"), Choice([], "f", "tiny"))
    assert Path("params.yaml").read_bytes() == before
    assert not Path(BACKUP).exists()
