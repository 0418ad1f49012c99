"""``synth-fr check-data``: the findings on a user's files, as a command and as a function."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from synthfr.corpora import files
from synthfr.disk import read_yaml
from synthfr.pipeline import data_fit, parameters
from synthfr.pipeline.cli import app, data_check
from synthfr.pipeline.findings import Finding, Weight
from tests.corpora import broken
from tests.corpora.broken import BROKEN, CANARY, REPORTS, changed, jsonl

ROOT = Path(__file__).parents[1]
RAW = Path("data/private/raw")


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_fit, "findings", lambda corpus, params: ())  # takes seconds
    RAW.mkdir(parents=True)
    return tmp_path


def params(private: Path, **settings: Any) -> parameters.Params:
    """The shipped parameters, with `private` beside good other files."""
    given = read_yaml("params.yaml")
    given["seed"] = broken.params(Path(), private, **settings).model_dump()
    return parameters.parse(given, "params.yaml")


def checked(private: Path, **settings: Any) -> list[Finding]:
    return list(data_check.checked(params(private, **settings)))


def texts(found: list[Finding], weight: Weight, topic: str = "") -> list[str]:
    return [one.text for one in found if one.weight == weight and topic in one.topic]


def run(monkeypatch: pytest.MonkeyPatch, private: Path, **settings: Any) -> Result:
    made = params(private, **settings)
    monkeypatch.setattr(data_check, "load_params", lambda: made)
    return CliRunner().invoke(app, ["check-data"])


def test_good_files_are_told_in_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    private = jsonl(RAW / "own.jsonl", REPORTS)
    result = run(monkeypatch, private)
    assert result.exit_code == 0, result.output
    for told in (
        f"{private}: 40 reports, 6 words each, 20 patients, 40 with codes, in fr",
        "public.jsonl: 6 reports, 4 words each, 0 with codes, in fr",
        "the code list has 2 codes with a label",
        "knows 80 of 80 code occurrences (100.0%)",
        "French: its file and its prompt template",
        "Nothing in your files stops a run.",
    ):
        assert told in result.output


def test_of_the_demo_there_is_nothing_to_check() -> None:
    result = CliRunner().invoke(app, ["check-data"])
    assert result.exit_code == 0
    assert "seed.source is demo: there is nothing of yours to check" in result.output


@pytest.mark.parametrize("how", BROKEN)
def test_each_broken_file_stops_a_run_in_silence(how: str, tmp_path: Path) -> None:
    write, said = BROKEN[how]
    found = checked(write(RAW))
    assert [text for text in texts(found, Weight.STOP) if said in text], found
    assert not [one for one in found if CANARY.lower() in one.text.lower()]


@pytest.mark.parametrize("how", ["utf-16", "not icd-10", "ids doubled"])
def test_the_command_ends_with_the_number_of_stops(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, said = BROKEN[how]
    result = run(monkeypatch, write(RAW))
    assert result.exit_code == 1
    assert said in result.output and "1 to mend before a run." in result.output


def test_all_is_told_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = changed(text="", codes=[CANARY], patient_id=None)
    own = {"path": str(BROKEN["utf-16"][0](RAW))}
    result = run(monkeypatch, jsonl(RAW / "own.jsonl", rows), public=own)
    assert result.exit_code == 1 and "4 to mend before a run." in result.output
    for told in ("the text is empty", "not an ICD-10", "the patient is missing", "is UTF-16"):
        assert told in result.output
    assert CANARY not in result.output


def test_a_private_file_in_sight_of_git_is_told(
    monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    (checkout / ".git").mkdir()
    result = run(monkeypatch, jsonl(Path("own.jsonl"), REPORTS))
    assert result.exit_code == 1
    assert "own.jsonl lies in this checkout but outside" in result.output
    assert run(monkeypatch, jsonl(RAW / "own.jsonl", REPORTS)).exit_code == 0  # control


def test_codes_of_another_system_are_told_with_their_share() -> None:
    rows = [{**row, "codes": ["I10", "E11.65", "S72.001A"]} for row in REPORTS]
    [told] = texts(checked(jsonl(RAW / "own.jsonl", rows)), Weight.NOTE)
    assert "the code list knows 40 of 120 code occurrences (33.3%)" in told
    assert "of the 80 others (2 distinct codes) 0 count as a wider code of the list" in told
    assert "40 have a form that only ICD-10-CM has" in told


def test_few_codes_of_another_system_are_told_too() -> None:
    """As the keyword step counts them, and not hidden behind the share that is known."""
    rows = [{**row, "codes": [*row["codes"], *["E11.65"] * (row is REPORTS[0])]} for row in REPORTS]
    told = texts(checked(jsonl(RAW / "own.jsonl", rows)), Weight.OK)
    [known] = [text for text in told if "code occurrences" in text]
    assert "knows 80 of 81 code occurrences (98.8%); of the 1 others" in known
    told = texts(checked(jsonl(RAW / "own.jsonl", REPORTS)), Weight.OK)  # control
    assert not [text for text in told if "others" in text]


def test_every_language_wants_its_file_and_its_template() -> None:
    rows = [{**row, "language": ("fr", "en")[n % 2]} for n, row in enumerate(REPORTS)]
    private = jsonl(RAW / "own.jsonl", rows)
    assert len(texts(checked(private), Weight.OK, "language")) == 2
    other = params(private)
    prompt = other.prompt.model_copy(update={"template": "nowhere"})
    other = other.model_copy(update={"prompt": prompt})
    stops = texts(list(data_check.checked(other)), Weight.STOP, "language")
    assert len(stops) == 2 and all("no template 'nowhere'" in one for one in stops)


def test_whether_the_corpus_fits_is_asked_once_the_files_have_no_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(corpus: Any, params: Any) -> Any:
        yield Finding("here", Weight.NOTE, f"{len(corpus.public)} public, {params.steps[0]}")

    monkeypatch.setattr(data_fit, "findings", check)
    good = checked(jsonl(RAW / "own.jsonl", REPORTS))
    assert texts(good, Weight.NOTE, "here") == ["6 public, base"]
    assert texts(checked(jsonl(RAW / "own.jsonl", changed(text=""))), Weight.NOTE, "here") == []


def test_an_error_that_is_not_foreseen_is_told_without_its_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: Any) -> None:
        pd.to_numeric(pd.Series([CANARY]))  # quotes it

    private = jsonl(RAW / "own.jsonl", REPORTS)
    monkeypatch.setattr(files, "read", fails)
    result = run(monkeypatch, private)
    assert result.exit_code == 1 and "not foreseen" in result.output
    assert CANARY not in result.output + str(result.exception)


@pytest.mark.slow
@pytest.mark.long
def test_many_reports_are_checked_in_little_memory(tmp_path: Path) -> None:
    """400 of the benchmark's reports a side; the peak of 50 000 is the benchmark's."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.check_data", "--reports", "400"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "400 + 400 reports" in done.stdout and "exit status 0" in done.stdout


def test_data_sets_of_the_hub_are_checked_with_the_private_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "c" * 40
    snapshot = tmp_path / "cache/datasets--owner--reports/snapshots" / commit
    snapshot.mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    jsonl(snapshot / "train.jsonl", [{"id": "a", "text": "Une anémie."}])
    given = read_yaml("params.yaml")
    given["seed"] = broken.params(Path(), jsonl(RAW / "own.jsonl", REPORTS)).model_dump()
    public = {"repo_id": f"owner/reports@{commit}", "columns": {"report_id": "id"}}
    given["seed"] |= {"source": "hub", "hub": {"public": public}}

    found = list(data_check.checked(parameters.parse(given, "params.yaml")))
    assert texts(found, Weight.STOP) == []
    assert any(
        text.startswith("owner/reports@cccccccccccc: 1 reports")
        for text in texts(found, Weight.OK, "files")
    )
    public["columns"] = {"report_id": "nom"}
    (problem,) = texts(list(data_check.checked(parameters.parse(given, ""))), Weight.STOP)
    assert "no column 'nom', its columns are 'id', 'text'" in problem
