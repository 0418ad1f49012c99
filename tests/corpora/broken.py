"""Files of a user's own with one thing wrong in each, for the tests of whoever reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from synthfr.corpora import Seed

CANARY = "Zqxcanari"  # in every text and every unknown cell
REPORTS: list[dict[str, Any]] = [
    {
        "report_id": f"s{n}",
        "text": f"{CANARY} {n} vient pour une HTA.",
        "codes": ["I10", "E11.9"],
        "patient_id": f"p{n // 2}",
    }
    for n in range(40)
]
PUBLIC = [{"report_id": f"c{n}", "text": f"Une anémie, cas {n}."} for n in range(6)]
CODES = [{"code": "I10", "label": "Hypertension"}, {"code": "E11.9", "label": "Diabète"}]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(rows: list[dict[str, Any]], separator: str = ",") -> str:
    """As CSV, codes with semicolons between them."""
    flat = [
        {name: ";".join(cell) if isinstance(cell, list) else cell for name, cell in row.items()}
        for row in rows
    ]
    return str(pd.DataFrame(flat).to_csv(index=False, sep=separator))


def changed(**cells: Any) -> list[dict[str, Any]]:
    """The reports, these cells of the last three rows changed."""
    return [*REPORTS[:-3], *({**row, **cells} for row in REPORTS[-3:])]


def without(name: str) -> list[dict[str, Any]]:
    return [{key: cell for key, cell in row.items() if key != name} for row in REPORTS]


def params(folder: Path, private: Path, **settings: Any) -> Seed:
    """Parameters that name `private` beside a good public file and a good code list."""
    sources = {
        "public": {"path": str(jsonl(folder / "public.jsonl", PUBLIC))},
        "private": {"path": str(private)},
        "codes": {"path": str(jsonl(folder / "codes.jsonl", CODES))},
    }
    files = {name: {**source, **settings.pop(name, {})} for name, source in sources.items()}
    language = settings.pop("language", "fr")
    return Seed.model_validate(
        {"source": "files", "language": language, "files": {**files, **settings}}
    )


def _bytes(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _text(name: str, content: str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    return _bytes(name, content.encode(encoding))


def _rows(rows: list[dict[str, Any]]) -> Callable[[Path], Path]:
    return lambda folder: jsonl(folder / "own.jsonl", rows)


def _unreadable(folder: Path) -> Path:
    path = folder / "own.csv"
    path.mkdir()  # also what root may not open
    return path


def _cut(folder: Path) -> Path:
    path = folder / "own.parquet"
    pd.DataFrame(REPORTS).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])
    return path


def _doubled(folder: Path) -> Path:
    columns = [["s1"], [CANARY], [CANARY], [["I10"]]]
    names = ["report_id", CANARY, CANARY, "codes"]
    pq.write_table(pa.table(columns, names=names), folder / "own.parquet")
    return folder / "own.parquet"


def _two_tables(folder: Path) -> Path:
    inside = folder / "raw"
    inside.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        jsonl(inside / name, REPORTS)
    return inside


_CSV = table(REPORTS)

# kind -> (the private file, what must be said of it)
BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "nowhere.csv", "nowhere.csv is not there"),
    "empty": (_bytes("own.csv", b""), "own.csv has no rows"),
    "header only": (_text("own.csv", "report_id,text,codes\n"), "own.csv has no rows"),
    "empty folder": (_unreadable, "holds no table (.parquet"),
    "two tables": (_two_tables, "holds 2 tables"),
    "format": (_text("own.docx", _CSV), "the format '.docx' is not read"),
    "workbook": (_bytes("own.csv", b"PK\x03\x04xl/"), "own.csv is an Excel workbook or a ZIP"),
    "gzip": (_bytes("own.csv", gzip.compress(_CSV.encode())), "own.csv is compressed (gzip)"),
    "parquet as csv": (_bytes("own.csv", b"PAR1...."), "own.csv is a Parquet file, not CSV"),
    "csv as parquet": (_text("own.parquet", _CSV), "own.parquet is not Parquet (another format"),
    "cut parquet": (_cut, "own.parquet cannot be read as Parquet (truncated"),
    "utf-16": (_text("own.csv", _CSV, "utf-16"), "the file is UTF-16: save it as UTF-8"),
    "utf-16 without mark": (_text("own.csv", _CSV, "utf-16-le"), "`iconv -f UTF-16LE -t UTF-8"),
    "utf-32": (_text("own.csv", _CSV, "utf-32"), "the file is UTF-32"),
    "latin-1": (
        _text("own.csv", "report_id,text,codes\ns1,Une anémie,I10\ns2,Deux,I10\n", "latin-1"),
        "line 2: not UTF-8 from byte 31 on, it looks like Windows-1252 or Latin-1",
    ),
    "windows-1251": (
        _text("own.csv", "report_id,text,codes\ns1,Жалобы на кашель и боль,I10\n", "cp1251"),
        "it looks like Windows-1251",
    ),
    "json array": (_text("own.jsonl", json.dumps(REPORTS, indent=1)), "is one JSON array"),
    "no json": (
        _text("own.jsonl", json.dumps(REPORTS[0]) + f'\n{{"{CANARY}"\n[1]\n'),
        "2 lines (2, 3): not a JSON object",
    ),
    "open quote": (
        _text("own.csv", f'report_id,text,codes\ns1,Un,I10\ns2,"{CANARY},I10\ns3,x,I10\n'),
        "line 3: not valid CSV from here on",
    ),
    "ragged": (
        _text("own.csv", f"report_id,text,codes\ns1,{CANARY}, opéré,I10\ns2,x\ns3,x,I10\n"),
        "2 lines (2 4 cells, 3 2 cells): not as many cells as the header, which has 3",
    ),
    "one column": (
        _text("own.csv", "report_id^text^codes\ns1^x^I10\n"),
        "separate its columns by one of , ; | or a tab",
    ),
    "no header": (_text("own.csv", f"s1,{CANARY},I10\ns2,x,I10\n"), "3 columns, none of which"),
    "columns missing": (
        _rows([{"id": "s1", "texte": CANARY, "cim": "I10"}]),
        "none of which is called 'text' (column 2 nearly is)",
    ),
    "doubled columns": (_doubled, "columns 2 and 3 have the same name"),
    "ids missing": (_rows(changed(report_id=None)), "3 rows (38, 39, 40): the report has no id"),
    "ids doubled": (
        _rows(changed(report_id="s1")),
        "3 rows (38 's1' as in row 2, 39 's1' as in row 2, 40 's1' as in row 2): the report_id is",
    ),
    "patients missing": (
        _rows(changed(patient_id="")),
        "3 rows (38 's37', 39 's38', 40 's39'): the patient is missing",
    ),
    "texts empty": (_rows(changed(text=" ")), "3 rows (38 's37', 39 's38', 40 's39'): the text is"),
    "texts are none": (_rows(changed(text=[CANARY])), "the text is no text but a number, a list"),
    "texts equal": (
        _rows([{**row, "text": CANARY} for row in REPORTS]),
        "all 40 texts are equal",
    ),
    "no codes": (_rows([{**row, "codes": []} for row in REPORTS]), "no report has a code"),
    "language": (
        _rows(changed(language=CANARY)),
        "3 rows (38 's37', 39 's38', 40 's39'): its language is none of those known (",
    ),
    "not icd-10": (
        _rows(changed(codes=["I10", CANARY])),
        "3 rows (38 's37' item 2, 39 's38' item 2, 40 's39' item 2): an item of its codes is not",
    ),
    "icd-9": (_rows(changed(codes="250.00")), "an item of its codes is not an ICD-10 code"),
    "decimal comma": (_rows(changed(codes="E11,9")), "an item of its codes is not an ICD-10"),
    "code and label": (_rows(changed(codes=f"I10 {CANARY}")), "an item of its codes is not an"),
    "codes no list": (_rows(changed(codes={CANARY: 1})), "its codes are neither a list nor text"),
    "keywords no list": (_rows(changed(keywords=7)), "its keywords are neither a list nor text"),
    "also public": (
        _rows([*REPORTS[:-1], {**REPORTS[-1], "text": "une ANEMIE ;  cas 3"}]),
        "row 40 (report_id 's39', there row 4 'c3'): the report is also in",
    ),
    "one patient": (
        _rows([{**row, "patient_id": "p1"} for row in REPORTS]),
        "The 1 private patients do not fill both train and holdout",
    ),
}
