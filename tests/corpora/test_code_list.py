"""Code lists: the table that a distribution carries, and files of the user's own."""

import gzip
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.corpora.files import FileSource
from synthfr.corpora.files.code_list import code_list
from synthfr.errors import UserError
from synthfr.text import language

NOT_SET = FileSource(path=None, columns={})


def from_file(tmp_path: Path, frame: pd.DataFrame, **columns: str) -> pd.DataFrame:
    path = tmp_path / "codes.parquet"
    frame.to_parquet(path)
    source = FileSource.model_validate({"path": str(path), "columns": columns})
    table = code_list(source, "fr", ";")
    records.validate(table, records.CODES, "codes")
    return table


def test_synonyms_start_with_the_label_and_hold_no_bare_codes(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "code": ["i10", "E119"],
            "label": ["Hypertension artérielle", "Diabète de type 2"],
            "synonyms": [["HTA", "I10", "hypertension ARTERIELLE", ""], None],
        }
    )
    assert from_file(tmp_path, frame).to_dict("records") == [
        {"code": "E11.9", "label": "Diabète de type 2", "synonyms": ["Diabète de type 2"]},
        {
            "code": "I10",
            "label": "Hypertension artérielle",
            "synonyms": ["Hypertension artérielle", "HTA"],
        },
    ]


def test_synonyms_that_differ_by_number_are_two(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"code": ["E11"], "label": ["Diabète 2"], "synonyms": ["Diabète II;diabète 1"]}
    )
    table = from_file(tmp_path, frame)
    assert table["synonyms"][0] == ["Diabète 2", "Diabète II", "diabète 1"]


def test_codes_without_label_are_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": ["I10", "E11"], "en": ["Hypertension", None]})
    assert from_file(tmp_path, frame, label="en")["code"].tolist() == ["I10"]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (
            {"code": ["I10"], "libelle": ["HTA"]},
            "2 columns, none of which is called 'label'.*seed.files.codes.columns",
        ),
        ({"code": ["I10", "i10"], "label": ["a", "b"]}, r"row 2: the code I10 is there twice"),
        ({"code": ["I10", "xyz"], "label": ["a", "b"]}, r"row 2: its code is not an ICD-10 code"),
        ({"code": ["I10"], "label": [""]}, r"no code has a label"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, frame: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        from_file(tmp_path, pd.DataFrame(frame))


@pytest.fixture
def fake_edsnlp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed edsnlp that must not be imported."""
    table = "code,type,short,long\nA00,3,CHOLERA,Choléra\nA000,0,CHOLERA 01,Choléra à Vibrio\n"
    resource = tmp_path / "edsnlp/resources/cim10.csv.gz"
    resource.parent.mkdir(parents=True)
    resource.write_bytes(gzip.compress(table.encode()))
    (tmp_path / "edsnlp/__init__.py").write_text("raise RuntimeError('imported')")
    metadata = tmp_path / "edsnlp-0.0.1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: edsnlp\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("fake_edsnlp")
def test_the_languages_table_is_read_without_importing_its_library() -> None:
    imported = "edsnlp" in sys.modules
    assert code_list(NOT_SET, "fr", ";").to_dict("records") == [
        {"code": "A00", "label": "Choléra", "synonyms": ["Choléra"]},
        {
            "code": "A00.0",
            "label": "Choléra à Vibrio",
            "synonyms": ["Choléra à Vibrio", "CHOLERA 01"],
        },
    ]
    assert ("edsnlp" in sys.modules) == imported


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    language("fr")  # its own table is no library
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UserError, match=r"'synthfr\[codes\]'.*seed\.files\.codes\.path"):
        code_list(NOT_SET, "fr", ";")


def test_a_language_without_table_wants_a_file() -> None:
    with pytest.raises(UserError, match=r"language 'en'.*seed\.files\.codes\.path"):
        code_list(NOT_SET, "en", ";")


def test_the_real_table_when_installed() -> None:
    imported = "edsnlp" in sys.modules  # spaCy loads it, as a plug-in
    try:
        table = code_list(NOT_SET, "fr", ";")
    except UserError:
        pytest.skip("edsnlp is not installed")
    assert len(table) > 40_000
    assert not table["code"].duplicated().any()
    assert table.set_index("code").loc["I10", "label"] == "Hypertension essentielle (primitive)"
    assert ("edsnlp" in sys.modules) == imported


def test_a_folder_with_one_list_is_that_list_and_an_empty_one_none(tmp_path: Path) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    (folder / "README.md").write_text("put it here")
    source = FileSource(path=str(folder))
    with pytest.raises(UserError, match=r"language 'en'"):  # as with no path
        code_list(source, "en", ";")
    (folder / "mine.csv").write_text("code,label\nI10,hypertension\n")
    assert code_list(source, "en", ";")["code"].tolist() == ["I10"]
    (folder / "other.csv").write_text("code,label\nI50,heart failure\n")
    with pytest.raises(UserError, match="holds 2 tables"):
        code_list(source, "en", ";")
