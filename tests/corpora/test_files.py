"""The user's own files: what is read, and one clear sentence for everything that is wrong."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr import corpora
from synthfr.corpora import Seed
from synthfr.corpora.files import split_by_patient
from synthfr.errors import UserError

SECRET = "Zqxcanari Dupuis"  # in texts only: no error may repeat it
PUBLIC = [{"report_id": "a", "text": "Une anémie."}, {"report_id": "b", "text": "Une HTA."}]
PRIVATE = [
    {"sejour": f"s{n}", "corps": f"{SECRET} {n}.", "cim": ["i10", "E119"], "ipp": f"p{n // 2}"}
    for n in range(40)
]
MAPPING = {"report_id": "sejour", "text": "corps", "codes": "cim", "patient_id": "ipp"}
CODES = [{"code": "I10", "label": "Hypertension"}, {"code": "E119", "label": "Diabète de type 2"}]


def write(rows: list[dict[str, Any]], path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pd.DataFrame(rows).to_parquet(path)
    else:
        flat = [
            {
                key: ";".join(value) if isinstance(value, list) else value
                for key, value in row.items()
            }
            for row in rows
        ]
        pd.DataFrame(flat).to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def params(folder: Path, **changes: Any) -> Seed:
    """Parameters for files in `folder`, written there unless `changes` names others."""
    sources: dict[str, Any] = {
        "public": {"path": write(PUBLIC, folder / "public.jsonl"), "columns": {}},
        "private": {"path": write(PRIVATE, folder / "private.parquet"), "columns": MAPPING},
        "codes": {"path": write(CODES, folder / "codes.csv"), "columns": {}},
    }
    for name, change in changes.items():
        sources[name] |= change
    for source in sources.values():
        source["path"] = source["path"] and str(source["path"])
    return Seed.model_validate(
        {
            "source": "files",
            "language": "fr",
            "demo": {"public": 1, "private_train": 1, "private_holdout": 1},
            "files": {**sources, "lexicon": "none", "list_separator": ";", "holdout_share": 0.3},
        }
    )


def told(folder: Path, **changes: Any) -> str:
    """The one sentence a user gets; it holds no text of a report."""
    with pytest.raises(UserError) as error:
        corpora.load(params(folder, **changes), 0)
    message = str(error.value)
    assert "\n" not in message
    assert SECRET.split()[0] not in message
    assert error.value.__cause__ is None
    return message


def test_columns_are_mapped_and_codes_normalised(tmp_path: Path) -> None:
    corpus = corpora.load(params(tmp_path), 0)
    assert corpus.public.to_dict("records")[0] == {
        "report_id": "a", "text": "Une anémie.", "codes": [], "keywords": [], "language": "fr"
    }  # fmt: skip
    private = pd.concat([corpus.private_train, corpus.private_holdout])
    assert sorted(private["report_id"]) == sorted(row["sejour"] for row in PRIVATE)
    assert private["codes"].tolist() == [["I10", "E11.9"]] * 40
    assert corpus.codes.to_dict("records") == [
        {
            "code": "E11.9",
            "label": "Diabète de type 2",
            "synonyms": ["diabète de type 2"],
            "sources": ["label"],
        },
        {
            "code": "I10",
            "label": "Hypertension",
            "synonyms": ["hypertension"],
            "sources": ["label"],
        },
    ]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv", ".jsonl"])
def test_every_format_reads_the_same(tmp_path: Path, suffix: str) -> None:
    awkward = [
        *PRIVATE,
        {"sejour": "7", "corps": 'Une "HTA",\r\nsur deux lignes; é\u2028', "cim": [], "ipp": "q"},
    ]
    path = write(awkward, tmp_path / f"own{suffix}")
    corpus = corpora.load(params(tmp_path, private={"path": path}), 0)
    private = pd.concat([corpus.private_train, corpus.private_holdout]).set_index("report_id")
    assert private.loc["7", "text"] == awkward[-1]["corps"]
    assert private.loc["7", "codes"] == []
    assert private.loc["s3", "codes"] == ["I10", "E11.9"]


def test_spreadsheet_csv_with_semicolons_and_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('report_id;text;codes\n1;"Une HTA; connue";"I10;E11.9"\n', "utf-8-sig")
    corpus = corpora.load(params(tmp_path, public={"path": path}), 0)
    assert corpus.public["text"].tolist() == ["Une HTA; connue"]
    assert corpus.public["codes"].tolist() == [["I10", "E11.9"]]


def test_number_ids_become_text(tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    pd.DataFrame({"report_id": [1.0, 2.0], "text": ["Une HTA.", "Deux."]}).to_parquet(path)
    corpus = corpora.load(params(tmp_path, public={"path": path}), 0)
    assert corpus.public["report_id"].tolist() == ["1", "2"]


def test_missing_file(tmp_path: Path) -> None:
    assert "nowhere.csv is not there" in told(tmp_path, public={"path": tmp_path / "nowhere.csv"})


def test_path_not_set(tmp_path: Path) -> None:
    assert "seed.files.private.path is not set" in told(tmp_path, private={"path": None})


def test_unknown_format(tmp_path: Path) -> None:
    path = tmp_path / "reports.xlsx"
    path.write_bytes(b"PK")
    message = told(tmp_path, public={"path": path})
    assert "'.xlsx' is not read" in message
    assert ".parquet, .csv" in message


def test_missing_column_tells_number_and_place_but_no_name_of_the_file(tmp_path: Path) -> None:
    message = told(tmp_path, private={"columns": {**MAPPING, "text": "corp"}})
    assert "private.parquet has 4 columns, none of which is called 'corp' (column 2" in message
    assert "'text' of a row in seed.files.private.columns" in message
    assert "corps" not in message and "sejour" not in message


def test_a_file_without_header_is_told_without_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"s1,{SECRET} a une HTA.,I10\ns2,{SECRET}.,I10\n")
    message = told(tmp_path, private={"path": path})
    assert "own.csv has 3 columns, none of which is called 'sejour'" in message
    assert "give the file a header" in message


def test_private_reports_want_codes(tmp_path: Path) -> None:
    columns = {key: value for key, value in MAPPING.items() if key != "codes"}
    assert "called 'codes'" in told(tmp_path, private={"columns": columns})


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_empty_or_null_text(tmp_path: Path, text: Any) -> None:
    path = write([*PUBLIC, {"report_id": "c3", "text": text}], tmp_path / "own.jsonl")
    message = told(tmp_path, public={"path": path})
    assert "own.jsonl, row 3 (report_id 'c3'): the text is empty" in message
    assert "remove the row" in message


@pytest.mark.parametrize("text", [3, [SECRET], {SECRET: SECRET}])
def test_a_text_that_is_none(tmp_path: Path, text: Any) -> None:
    path = write([*PUBLIC, {"report_id": "c3", "text": text}], tmp_path / "own.jsonl")
    message = told(tmp_path, public={"path": path})
    assert "own.jsonl, row 3 (report_id 'c3'): the text is no text but a number" in message


@pytest.mark.parametrize("name", [None, " "])
def test_missing_id(tmp_path: Path, name: Any) -> None:
    path = write([*PUBLIC, {"report_id": name, "text": "x"}], tmp_path / "own.jsonl")
    assert "own.jsonl, row 3: the report has no id" in told(tmp_path, public={"path": path})


def test_duplicate_ids(tmp_path: Path) -> None:
    path = write([*PRIVATE, PRIVATE[4]], tmp_path / "own.csv")
    message = told(tmp_path, private={"path": path})
    assert "own.csv, row 41 (report_id 's4', as in row 5): the report_id is that of an" in message


def test_a_text_column_mapped_to_the_ids_is_not_quoted(tmp_path: Path) -> None:
    path = write([*PRIVATE, PRIVATE[4]], tmp_path / "own.csv")
    message = told(tmp_path, private={"path": path, "columns": {**MAPPING, "report_id": "corps"}})
    assert (
        "row 41 (report_id not shown, it looks like no id, as in row 5): the report_id" in message
    )
    assert "map report_id to the column that holds ids" in message


def test_missing_patient(tmp_path: Path) -> None:
    path = write([*PRIVATE, {**PRIVATE[0], "sejour": "x1", "ipp": None}], tmp_path / "own.jsonl")
    assert "(report_id 'x1'): the patient is missing" in told(tmp_path, private={"path": path})


def test_csv_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("report_id,text\n1,Une HTA\n2,Une anémie\n".encode("latin-1"))
    message = told(tmp_path, public={"path": path})
    assert "latin.csv, line 3: not UTF-8" in message
    assert "iconv" in message


def test_csv_with_a_stray_separator(tmp_path: Path) -> None:
    path = tmp_path / "stray.csv"
    path.write_text(f"report_id,text\n1,Une HTA\n2,{SECRET}, opéré\n")
    message = told(tmp_path, public={"path": path})
    assert "stray.csv, line 3 (3 cells): not as many cells as the header, which has 2" in message


@pytest.mark.parametrize("broken", ['2,"Une', '2,"Une" HTA'])
def test_csv_with_broken_quotes(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(f"report_id,text\n1,Une HTA\n{broken}\n")
    assert "not valid CSV" in told(tmp_path, public={"path": path})


@pytest.mark.parametrize("line", ["{", "[1]", "3"])
def test_jsonl_that_is_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(PUBLIC[0]) + f"\n\n{line}\n")
    assert "own.jsonl, line 3: not a JSON object" in told(tmp_path, public={"path": path})


def test_truncated_parquet(tmp_path: Path) -> None:
    path = write(PRIVATE, tmp_path / "cut.parquet")
    path.write_bytes(path.read_bytes()[:-40])
    message = told(tmp_path, private={"path": path})
    assert "cut.parquet cannot be read as Parquet (truncated" in message


def test_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    for content in ("", "report_id,text\n"):
        path.write_text(content)
        assert "empty.csv has no rows" in told(tmp_path, public={"path": path})


@pytest.mark.parametrize("codes", [["I10", SECRET], ["250.00"], ["I10 HTA"]])
def test_codes_that_are_not_icd10(tmp_path: Path, codes: list[str]) -> None:
    path = write([*PRIVATE, {**PRIVATE[0], "sejour": "x1", "cim": codes}], tmp_path / "own.parquet")
    message = told(tmp_path, private={"path": path})
    assert (
        f"own.parquet, row 41 (report_id 'x1', item {len(codes)}): an item of its codes" in message
    )
    assert "E11.9" in message


def test_a_private_report_among_the_public_ones(tmp_path: Path) -> None:
    leaked = {"report_id": "c3", "text": f" {PRIVATE[7]['corps']}\n"}
    path = write([*PUBLIC, leaked], tmp_path / "own.jsonl")
    message = told(tmp_path, public={"path": path})
    assert "row 8 (report_id 's7', there row 3 'c3'): the report is also in" in message


def test_an_unknown_language_in_a_cell_is_told_by_its_row(tmp_path: Path) -> None:
    rows = [{**row, "language": "fr"} for row in PRIVATE]
    rows[2]["language"] = SECRET
    message = told(tmp_path, private={"path": write(rows, tmp_path / "own.parquet")})
    assert "own.parquet, row 3 (report_id 's2'): its language is none of those known (" in message


@pytest.mark.parametrize("cell", [7, {SECRET: SECRET}, True])
def test_codes_that_are_neither_list_nor_text(tmp_path: Path, cell: Any) -> None:
    path = write([*PRIVATE, {**PRIVATE[0], "sejour": "x1", "cim": cell}], tmp_path / "own.jsonl")
    message = told(tmp_path, private={"path": path})
    assert "row 41 (report_id 'x1'): its codes are neither a list nor text" in message


def test_two_columns_of_one_name_are_told_by_their_places(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"], ["c"]], names=["report_id", SECRET, SECRET])
    pq.write_table(table, tmp_path / "own.parquet")
    (tmp_path / "own.csv").write_text(f"report_id,{SECRET},{SECRET}\na,b,c\n")
    for name in ("own.parquet", "own.csv"):
        message = told(tmp_path, private={"path": tmp_path / name})
        assert "columns 2 and 3 have the same name" in message


def test_text_that_no_file_can_hold(tmp_path: Path) -> None:
    half = tmp_path / "half.jsonl"
    half.write_text('{"report_id": "1", "text": "\\ud83d Une HTA."}\n')
    assert "half.jsonl, line 1: not a JSON object" in told(tmp_path, public={"path": half})
    deep = tmp_path / "deep.jsonl"
    deep.write_text("[" * 100_000 + "\n")
    assert "deep.jsonl, line 1: not a JSON object" in told(tmp_path, public={"path": deep})
    latin = pa.array([f"{SECRET} op\u00e9r\u00e9".encode("latin-1")]).view(pa.string())
    table = pa.table({"report_id": pa.array(["1"]), "text": latin})
    pq.write_table(table, tmp_path / "latin.parquet")
    message = told(tmp_path, public={"path": tmp_path / "latin.parquet"})
    assert "text that is not UTF-8" in message


def test_unknown_language_of_the_code_list(tmp_path: Path) -> None:
    bad = params(tmp_path, codes={"path": None}).model_copy(update={"language": "xx"})
    with pytest.raises(UserError, match="no resources for language 'xx'"):
        corpora.load(bad, 0)


def private(n_patients: int, documents: int = 2) -> pd.DataFrame:
    patients = [f"p{number // documents}" for number in range(n_patients * documents)]
    return pd.DataFrame(
        {"report_id": [f"r{n}" for n in range(len(patients))], "patient_id": patients}
    )


@given(st.integers(30, 80), st.integers(0, 5), st.floats(0.3, 0.7))
@settings(max_examples=20, deadline=None)
def test_no_patient_on_both_sides_and_no_report_lost(
    n_patients: int, seed: int, share: float
) -> None:
    whole = private(n_patients)
    train, holdout = split_by_patient(whole, share, seed)
    assert not set(train["patient_id"]) & set(holdout["patient_id"])
    assert sorted([*train["report_id"], *holdout["report_id"]]) == sorted(whole["report_id"])


def test_the_split_depends_on_seed_and_patient_alone() -> None:
    train, holdout = split_by_patient(private(200), 0.3, 0)
    again = split_by_patient(private(200).sample(frac=1, random_state=1), 0.3, 0)
    assert set(again[0]["report_id"]) == set(train["report_id"])
    more = split_by_patient(private(300), 0.3, 0)
    assert set(holdout["report_id"]) <= set(more[1]["report_id"])
    other = split_by_patient(private(200), 0.3, 1)
    assert set(other[1]["report_id"]) != set(holdout["report_id"])
    assert 0.2 < len(holdout) / 400 < 0.4


def test_without_patients_the_split_is_by_report() -> None:
    train, holdout = split_by_patient(private(60)[["report_id"]], 0.3, 0)
    assert len(train) + len(holdout) == 120


def test_too_few_patients_for_two_sides() -> None:
    with pytest.raises(UserError, match="1 private patients do not fill both"):
        split_by_patient(private(1), 0.3, 0)
