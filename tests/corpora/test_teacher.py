"""The teacher's table: mapped, rendered as prompts, refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import prompts
from synthfr.corpora import teacher
from synthfr.corpora.teacher import Teacher
from synthfr.errors import UserError
from synthfr.records import SFT, validate

TABLE = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "mots": ["asthme; toux", "fièvre", "diabète;  ; HTA"],
        "texte": ["Un.", "Deux.", "Trois."],
    }
)
COLUMNS = {"report_id": "id", "keywords": "mots", "text": "texte"}


def _rows(path: Path, columns: dict[str, str] = COLUMNS, separator: str = ";") -> pd.DataFrame:
    params = Teacher.model_validate(
        {"path": str(path), "columns": columns, "list_separator": separator, "share": 0.5}
    )
    assert teacher.inputs(params) == [path]
    rows = teacher.rows(params, "plain", "fr")
    assert rows is not None
    return rows


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_every_format(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"teacher{suffix}"
    if suffix == ".csv":
        TABLE.to_csv(path, index=False, sep="\t")
    elif suffix == ".parquet":
        TABLE.assign(mots=[["asthme", "toux"], ["fièvre"], ["diabète", "HTA"]]).to_parquet(path)
    else:
        path.write_text("\n".join(json.dumps(row) for row in TABLE.to_dict("records")))
    rows = _rows(path)
    validate(rows, SFT, "teacher")
    assert rows["report_id"].tolist() == ["teacher:1", "teacher:2", "teacher:3"]
    assert rows["keywords"].tolist() == [["asthme", "toux"], ["fièvre"], ["diabète", "HTA"]]
    assert rows["prompt"][0] == prompts.render(["asthme", "toux"], "plain", "fr")
    assert rows["completion"].tolist() == ["Un.", "Deux.", "Trois."]


def test_a_folder_of_tables_without_ids(tmp_path: Path) -> None:
    """Rows are named by what they say, whatever file they are in; the same row counts once."""
    columns = {"keywords": "mots", "text": "texte"}
    (tmp_path / "README.md").write_text("not a table")
    TABLE[:2].to_csv(tmp_path / "a.csv", index=False)
    TABLE[1:].to_csv(tmp_path / "b.csv", index=False)
    rows = _rows(tmp_path, columns)
    assert rows["completion"].tolist() == ["Un.", "Deux.", "Trois."]
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv").unlink()
    assert _rows(tmp_path, columns).equals(rows)


def _broken(**cells: Any) -> pd.DataFrame:
    table = TABLE.copy().astype({name: object for name in cells})
    for name, value in cells.items():
        table.loc[1, name] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (_broken(texte="  "), "row 2: the text is empty"),
        (_broken(mots=" ; "), "row 2: there are no keywords"),
        (_broken(id=1), "row 2: the report_id is empty or another report's"),
        (_broken(id=""), "row 2: the report_id is empty"),
        (TABLE.drop(columns="mots"), "called 'mots'.*'keywords' of a row in sft.teacher.columns"),
        (TABLE[:0], "no rows"),
    ],
)
def test_bad_tables(tmp_path: Path, table: pd.DataFrame, message: str) -> None:
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError, match=message) as refused:
        _rows(tmp_path / "t.csv")
    assert "Deux" not in str(refused.value)  # names the row, never its text


def test_a_share_of_nothing_reads_nothing(tmp_path: Path) -> None:
    own = {"path": str(tmp_path / "missing.csv"), "columns": {}, "list_separator": ","}
    params = Teacher.model_validate(own | {"share": 0.0})
    assert teacher.inputs(params) == [] and teacher.rows(params, "plain", "fr") is None


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sft\.teacher\.path: .* is not there"):
        _rows(tmp_path / "missing.csv")
    with pytest.raises(UserError, match="holds no table"):
        _rows(tmp_path)
