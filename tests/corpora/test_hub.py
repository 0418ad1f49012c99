"""Data sets of the hub as public reports, code list and teacher's reports: what a snapshot in the
cache gives, and one clear sentence for what does not fit.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import corpora
from synthfr.corpora import Seed, files, hub, hub_table, teacher
from synthfr.corpora.hub_table import HubSplit
from synthfr.corpora.teacher import Teacher
from synthfr.errors import UserError
from tests.corpora.test_files import CODES, MAPPING, PRIVATE, PUBLIC, SECRET, write

COMMIT = "c" * 40
REFERENCE = f"owner/reports@{COMMIT}"
ROWS = [
    {"id": f"r{n}", "texte": f"Une HTA, numéro {n}.", "mots": ["HTA", f"n{n}"]} for n in range(5)
]
COLUMNS = {"report_id": "id", "text": "texte", "keywords": "mots"}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty snapshot of the data set ``owner/reports`` in a hub cache."""
    cache = tmp_path / "cache"
    snapshot = cache / "datasets--owner--reports" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return snapshot


def parts(folder: Path, rows: list[dict[str, Any]] = ROWS) -> None:
    """Rows as data sets are published: a split's Parquet files."""
    (folder / "data").mkdir()
    half = len(rows) // 2
    for number, some in enumerate((rows[:half], rows[half:])):
        pd.DataFrame(some).to_parquet(folder / f"data/train-{number:05}-of-00002.parquet")
    pd.DataFrame(rows[:1]).to_parquet(folder / "data/test-00000-of-00001.parquet")


def card(folder: Path, *configs: dict[str, Any]) -> None:
    (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(configs)}\n---\nA card.\n")


def split(**changes: Any) -> HubSplit:
    return HubSplit(repo_id=REFERENCE, **changes)


def read(**changes: Any) -> dict[str, list[Any]]:
    return hub_table.read(split(**changes), "here", COLUMNS, tuple(COLUMNS), ()).columns


def told(columns: dict[str, str] | None = None, **changes: Any) -> str:
    with pytest.raises(UserError) as error:
        hub_table.read(
            split(**changes),
            "here",
            COLUMNS if columns is None else columns,
            tuple(COLUMNS),
            ["text"],
        )
    assert "\n" not in str(error.value)
    return str(error.value)


def seed(folder: Path, **hub_parts: Any) -> Seed:
    """Private reports and codes of files, public reports of the data set."""
    own = {
        "private": {"path": str(write(PRIVATE, folder / "private.parquet")), "columns": MAPPING},
        "codes": {"path": str(write(CODES, folder / "codes.csv"))},
        "synonyms": {"path": None},
        "lexicon": "none",
    }
    public = {"repo_id": REFERENCE, "columns": COLUMNS}
    return Seed.model_validate(
        {"source": "hub", "files": own, "hub": {"public": public} | hub_parts}
    )


def test_parts_are_one_table_and_splits_are_apart(data: Path) -> None:
    parts(data)
    assert read()["report_id"] == [row["id"] for row in ROWS]
    assert read()["keywords"] == [row["mots"] for row in ROWS]
    assert read(split="test")["report_id"] == ["r0"]
    assert [one.name[:8] for one in hub_table.find(split(), "here")] == ["train-00", "train-00"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json"])
def test_other_files_are_read_too(data: Path, suffix: str) -> None:
    path = data / f"train{suffix}"
    if suffix == ".csv":
        pd.DataFrame(ROWS).to_csv(path, index=False)
    elif suffix == ".json":
        path.write_text(json.dumps(ROWS))
    else:
        write(ROWS, path)
    assert read()["text"] == [row["texte"] for row in ROWS]


def test_the_card_says_which_files_a_configuration_has(data: Path) -> None:
    write(ROWS, data / "a.jsonl")
    write(ROWS[:2], data / "b.jsonl")
    several = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}.jsonl"}]}
        for name in ("a", "b")
    ]
    card(data, *several)
    assert len(read(config="a")["text"]) == 5 and len(read(config="b")["text"]) == 2
    assert "here.config: owner/reports@cccccccccccc has several configurations (a, b)" in told()
    assert "has no configuration 'c', it has a, b" in told(config="c")
    card(data, several[0], {**several[1], "default": True})
    assert len(read()["text"]) == 2


def test_a_card_cannot_name_other_files(data: Path, tmp_path: Path) -> None:
    """A published card that names a path of this disk would make private text public."""
    own = write(ROWS, tmp_path / "private.jsonl")
    write(ROWS, data / "a.jsonl")
    for pattern in (
        str(own), f"../../../../{own.name}", "https://localhost:9/a.jsonl", f"file://{own}",
        "zip://a.jsonl::https://localhost:9/a.zip",
    ):  # fmt: skip
        card(data, {"config_name": "default", "data_files": pattern})
        assert "names data files that are not its own" in told(), pattern
    card(data, {"config_name": "default", "data_dir": str(tmp_path)})
    assert "names data files that are not its own" in told()
    card(data, {"config_name": "default", "data_files": "a.jsonl"})
    assert len(read()["text"]) == 5  # the control


def test_what_does_not_fit_is_told(data: Path) -> None:
    parts(data)
    assert "here.split: owner/reports@cccccccccccc has no split 'dev', it has train, test" in told(
        split="dev"
    )
    assert told({"text": "corps"}) == (
        "owner/reports@cccccccccccc has no column 'corps', its columns are 'id', 'texte', 'mots': "
        "name the one with the 'text' of a row in here.columns."
    )
    assert "no column 'text'" in told({})  # wanted, mapped or not
    shutil.rmtree(data / "data")
    assert "cannot be read as a table of Parquet, CSV or JSON files" in told()
    (data / "reports.py").write_text("raise SystemExit('code of a data set was run')")
    assert "cannot be read as a table" in told()
    (data / "reports.txt").write_text("plain text")
    assert "holds text files, and only Parquet, CSV and JSON are read" in told()
    (data / "reports.txt").unlink()
    (data / "train.parquet").write_bytes(b"PAR1 cut short")
    assert "cannot be read as a table" in told()


@pytest.mark.usefixtures("data")
def test_nothing_is_downloaded_and_a_commit_is_wanted() -> None:
    def told(reference: str) -> str:
        with pytest.raises(UserError) as error:
            hub_table.find(HubSplit(repo_id=reference), "seed.hub.public")
        return str(error.value)

    assert "not in the local cache" in told(f"owner/reports@{'d' * 40}")
    assert "has no commit: `synth-fr prefetch --pin`" in told("owner/reports")
    assert "'main' is no commit" in told("owner/reports@main")
    assert "is not owner/name@commit of a data set" in told("data/private/raw")


def test_public_reports_of_the_hub_beside_private_files(data: Path, tmp_path: Path) -> None:
    parts(data)
    corpus = corpora.load(seed(tmp_path), 0)
    assert corpus.public["report_id"].tolist() == [row["id"] for row in ROWS]
    assert corpus.public["keywords"].tolist() == [row["mots"] for row in ROWS]
    assert len(corpus.private_train) + len(corpus.private_holdout) == len(PRIVATE)
    assert corpus.codes["code"].tolist() == ["E11.9", "I10"]


def test_a_code_list_of_the_hub(data: Path, tmp_path: Path) -> None:
    rows = [
        {"cim": "I10", "nom": "Hypertension"},
        {"cim": "I10", "nom": "HTA"},
        {"cim": "D64", "nom": "Anémie"},
    ]
    write(ROWS, data / "reports.jsonl")
    write(rows, data / "codes.jsonl")
    card(
        data,
        {"config_name": "reports", "data_files": "reports.jsonl"},
        {"config_name": "codes", "data_files": "codes.jsonl"},
    )
    public = {"repo_id": REFERENCE, "columns": COLUMNS, "config": "reports"}
    codes = {"repo_id": REFERENCE, "config": "codes", "columns": {"code": "cim", "label": "nom"}}
    corpus = corpora.load(seed(tmp_path, public=public, codes=codes), 0)
    listed = corpus.codes.set_index("code")
    assert listed.index.tolist() == ["D64", "I10"]
    assert "HTA" in listed.loc["I10", "synonyms"] and listed.loc["I10", "label"] == "Hypertension"
    reading = hub.read(seed(tmp_path, public=public, codes={**codes, "columns": {}}), 0)
    assert [one for one in reading.problems if "'code' of a row in seed.hub.codes.columns" in one]
    assert not any(SECRET.split()[0] in one for one in reading.problems)


def test_a_report_that_is_private_too_is_found(data: Path, tmp_path: Path) -> None:
    parts(data, [*ROWS, {"id": "x", "texte": PRIVATE[0]["corps"], "mots": []}])
    with pytest.raises(
        UserError, match="the report is also in owner/reports@cccccccccccc"
    ) as error:
        corpora.load(seed(tmp_path), 0)
    assert SECRET.split()[0] not in str(error.value)


def test_mistakes_in_rows_are_told_like_those_of_files(data: Path, tmp_path: Path) -> None:
    parts(data, [*ROWS, {"id": "r0", "texte": " ", "mots": None}])
    (ids, texts) = hub.read(seed(tmp_path), 0).problems
    assert "row 6" in ids and "the report_id is that of an earlier row" in ids
    assert texts.startswith("owner/reports@cccccccccccc, row 6") and "the text is empty" in texts


def test_a_private_side_never_comes_from_a_hub() -> None:
    with pytest.raises(ValueError, match="unknown parameter 'private'"):
        Seed.model_validate({"hub": {"private": {"repo_id": REFERENCE}}})
    with pytest.raises(ValueError, match=r"wants 'hub\.public\.repo_id'"):
        Seed(source="hub")


def test_the_teacher_of_the_hub(data: Path) -> None:
    parts(data, [*ROWS, {"id": None, "texte": ROWS[0]["texte"], "mots": ROWS[0]["mots"]}])
    params = Teacher.model_validate(
        {"repo_id": REFERENCE, "columns": {"keywords": "mots", "text": "texte"}, "share": 0.5}
    )
    assert teacher.inputs(params) == []
    rows = teacher.rows(params, "plain", "fr")
    assert rows is not None and rows["completion"].tolist() == [row["texte"] for row in ROWS]
    wrong = params.model_copy(update={"columns": {"keywords": "mots"}})
    with pytest.raises(UserError, match=r"no column 'text', its columns are .*sft\.teacher\.col"):
        teacher.rows(wrong, "plain", "fr")
    with pytest.raises(ValueError, match="'repo_id' and 'path' name two places"):
        Teacher(repo_id=REFERENCE, path="own.csv")


def test_parquet_parts_of_a_folder_are_one_table(tmp_path: Path) -> None:
    """Files of the user's own, as data sets are published."""
    folder = tmp_path / "raw"
    folder.mkdir()
    parts(folder, PRIVATE)
    (folder / "data/test-00000-of-00001.parquet").unlink()
    own = {
        "public": {"path": str(write(PUBLIC, tmp_path / "public.jsonl"))},
        "private": {"path": str(folder / "data"), "columns": MAPPING},
        "codes": {"path": str(write(CODES, tmp_path / "codes.csv"))},
        "lexicon": "none",
    }
    params = Seed.model_validate({"source": "files", "files": own})
    reading = files.read(params, 0)
    assert reading.problems == () and reading.private.frame is not None
    assert reading.private.frame["report_id"].tolist() == [row["sejour"] for row in PRIVATE]
    assert reading.private.frame.index.tolist() == list(range(1, len(PRIVATE) + 1))

    extra = folder / "data/train-2.parquet"
    pd.DataFrame(PRIVATE[:1]).assign(ipp=[7], sejour="z").to_parquet(extra)  # a number
    (problem,) = files.read(params, 0).problems
    assert "train-2.parquet has other columns, or other types of them, than train-00000" in problem
    pd.DataFrame(PRIVATE[:1]).assign(sejour="z", ipp=None).to_parquet(extra)  # nothing: any type
    (problem,) = files.read(params, 0).problems
    assert "row 41" in problem and "the patient is missing" in problem  # read, and looked at
    extra.unlink()
    write(PRIVATE, folder / "data/own.csv")
    (problem,) = files.read(params, 0).problems
    assert "holds 3 tables (.csv, .parquet): leave one there, or name the file" in problem
    assert SECRET.split()[0] not in problem
