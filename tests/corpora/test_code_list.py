"""Code lists: the table that a distribution carries, and files of the user's own."""

import gzip
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.corpora.files import FileSource, SeedFiles
from synthfr.corpora.files.code_list import code_list
from synthfr.corpora.files.lexicon import Breadth
from synthfr.errors import UserError
from synthfr.text import language

NOT_SET = SeedFiles(codes=FileSource(), synonyms=FileSource(), lexicon="none")


def from_file(
    tmp_path: Path,
    frame: pd.DataFrame,
    synonyms: pd.DataFrame | None = None,
    lexicon: Breadth = "none",
    **columns: str,
) -> pd.DataFrame:
    path, own = tmp_path / "codes.parquet", FileSource()
    frame.to_parquet(path)
    if synonyms is not None:
        synonyms.to_csv(tmp_path / "synonyms.csv", index=False)
        own = FileSource(path=str(tmp_path / "synonyms.csv"))
    source = FileSource.model_validate({"path": str(path), "columns": columns})
    table = code_list(SeedFiles(codes=source, synonyms=own, lexicon=lexicon), "fr")
    records.validate(table, records.CODES, "codes")
    return table


def names(table: pd.DataFrame, code: str) -> list[tuple[str, str]]:
    row = table.set_index("code").loc[code]
    return list(zip(row["synonyms"], row["sources"], strict=True))


LIST = pd.DataFrame(
    {
        "code": ["i10", "E119", "N28.8"],
        "label": ["Hypertension artérielle", "Diabète de type 2", "Autres affections du rein"],
        "synonyms": [["HTA", "I10", "hypertension ARTERIELLE", ""], None, None],
    }
)


def test_own_names_then_the_labels_wording_and_no_bare_codes(tmp_path: Path) -> None:
    table = from_file(tmp_path, LIST)
    assert names(table, "I10") == [("HTA", "synonym"), ("hypertension ARTERIELLE", "synonym")]
    assert names(table, "E11.9") == [("diabète de type 2", "label")]
    assert names(table, "N28.8") == []  # its label is nobody's words


def test_synonyms_have_a_file_of_their_own_one_a_row_or_several(tmp_path: Path) -> None:
    own = pd.DataFrame({"code": ["E11.9", "e119"], "synonyms": ["DNID;DT2", "diabète gras"]})
    assert names(from_file(tmp_path, LIST, own), "E11.9") == [
        ("DNID", "synonym"),
        ("DT2", "synonym"),
        ("diabète gras", "synonym"),
        ("diabète de type 2", "label"),
    ]


def test_a_row_for_each_name_of_a_code(tmp_path: Path) -> None:
    """As published lists have it: the first row of a code is its label, others are names of it."""
    rows = pd.DataFrame(
        {
            "code": ["I10", "N28.8", "i10", "I10", "N288", "N28.8", "E11"],
            "label": [
                "Hypertension artérielle", "", "HTA", "hypertension Artérielle",
                "Autres affections du rein", "autres affections du rein", "",
            ],
            "synonyms": [
                None, "rein malade", "tension haute", "", None, "rein en souffrance", "DT2",
            ],
        }
    )  # fmt: skip
    table = from_file(tmp_path, rows)
    assert table["code"].tolist() == ["I10", "N28.8"]  # E11 has no label on any row
    assert table["label"].tolist() == ["Hypertension artérielle", "Autres affections du rein"]
    assert names(table, "I10") == [
        ("HTA", "synonym"),
        ("tension haute", "synonym"),
        ("hypertension artérielle", "label"),
    ]
    # a label said twice does not become a wording: it is nobody's words
    assert names(table, "N28.8") == [("rein malade", "synonym"), ("rein en souffrance", "synonym")]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"code": ["I50"], "synonyms": ["ICC"]}, "row 1: the code I50 is not in the code list"),
        ({"code": ["x"], "synonyms": ["ICC"]}, "row 1: its code is not an ICD-10 code"),
        ({"code": ["I10"], "name": ["HTA"]}, r"'synonyms'.*seed\.files\.synonyms\.columns"),
    ],
)
def test_what_is_wrong_with_synonyms_is_told(
    tmp_path: Path, own: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        from_file(tmp_path, LIST, pd.DataFrame(own))


def test_the_lexicon_adds_what_clinicians_write(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": ["I10", "J44"], "label": ["Hypertension essentielle", "MPOC"]})
    table = from_file(tmp_path, frame, lexicon="conditions")
    assert ("HTA", "lexicon") in names(table, "I10")
    assert ("BPCO", "lexicon") in names(table, "J44")  # the list has the wider code only
    written = {name for own in table["synonyms"] for name in own}
    assert "toux" not in written  # nothing of codes that the list lacks
    assert names(from_file(tmp_path, frame), "I10") == [("hypertension essentielle", "label")]


def test_synonyms_that_differ_by_number_are_two(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"code": ["E11"], "label": ["Diabète 2"], "synonyms": ["Diabète II;diabète 1"]}
    )
    table = from_file(tmp_path, frame)
    assert table["synonyms"][0] == ["Diabète II", "diabète 1", "diabète 2"]


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
    assert code_list(NOT_SET, "fr").to_dict("records") == [
        {"code": "A00", "label": "Choléra", "synonyms": ["choléra"], "sources": ["label"]},
        {
            "code": "A00.0",
            "label": "Choléra à Vibrio",
            "synonyms": ["choléra à Vibrio"],
            "sources": ["label"],
        },
    ]
    assert ("edsnlp" in sys.modules) == imported


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    language("fr")  # its own table is no library
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UserError, match=r"pip install edsnlp.*seed\.files\.codes\.path"):
        code_list(NOT_SET, "fr")


def test_a_language_without_table_wants_a_file() -> None:
    with pytest.raises(UserError, match=r"language 'sv'.*seed\.files\.codes\.path"):
        code_list(NOT_SET, "sv")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": ["I10", "x", "E11", "y"], "label": ["a", "b", "c", "d"]})
    own = pd.DataFrame({"code": ["I50"], "synonyms": ["ICC"]})
    with pytest.raises(UserError) as error:
        from_file(tmp_path, frame, own)
    assert "2 things to mend" in str(error.value)
    assert "row 2: its code is not an ICD-10 code" in str(error.value)
    assert "1 rows more of this kind" in str(error.value)


def test_english_reads_the_tabular_list_and_its_inclusion_terms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = language("en").code_table
    assert table is not None
    with pytest.raises(UserError, match=r"pip install simple-icd-10-cm"):
        monkeypatch.setattr(sys, "path", [])
        code_list(NOT_SET, "en")
    monkeypatch.undo()
    resource = tmp_path / table.resource
    resource.parent.mkdir(parents=True)
    resource.write_text(
        "<list><diag><name>I10</name><desc>Essential (primary) hypertension</desc>"
        "<inclusionTerm><note>high blood pressure</note></inclusionTerm></diag></list>"
    )
    metadata = tmp_path / "simple_icd_10_cm-1.5.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: simple-icd-10-cm\nVersion: 1.5.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert names(code_list(NOT_SET, "en"), "I10") == [
        ("essential hypertension", "label"),
        ("high blood pressure", "label"),
    ]


def test_the_real_table_when_installed() -> None:
    imported = "edsnlp" in sys.modules  # spaCy loads it, as a plug-in
    try:
        table = code_list(NOT_SET, "fr")
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
    files = NOT_SET.model_copy(update={"codes": FileSource(path=str(folder))})
    with pytest.raises(UserError, match=r"language 'sv'"):  # as with no path
        code_list(files, "sv")
    (folder / "mine.csv").write_text("code,label\nI10,hypertension\n")
    assert code_list(files, "sv")["code"].tolist() == ["I10"]
    (folder / "other.csv").write_text("code,label\nI50,heart failure\n")
    with pytest.raises(UserError, match="holds 2 tables"):
        code_list(files, "sv")
