"""Tables of the user's own: Parquet, CSV, TSV or JSONL into columns of Python values.

Whatever is wrong with a file is a UserError that names it, the row where there is one, and the
remedy, and repeats nothing of its content.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from synthfr.errors import UserError

Columns = dict[str, list[Any]]
FORMATS = (".parquet", ".csv", ".tsv", ".jsonl")


def read_columns(path: Path) -> Columns:
    """All columns of a table file, by name; missing cells are None. Row 1 is the first data row."""
    readers: dict[str, Callable[[Path], Columns]] = {
        ".parquet": _parquet,
        ".csv": _separated,
        ".tsv": _separated,
        ".jsonl": _jsonl,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path}: the format '{path.suffix}' is not read: convert the file to one of "
            f"{', '.join(readers)}."
        )
    if not path.is_file():
        raise UserError(f"{path} is not there: correct the path in params.yaml (seed.files).")
    columns = reader(path)
    if not any(columns.values()):
        raise UserError(f"{path} has no rows: give a file with at least one report or code.")
    return columns


def _parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise UserError(
            f"{path} cannot be read as Parquet (truncated, or another format): copy or write it "
            "anew."
        ) from None
    return {name: table[name].to_pylist() for name in table.column_names}


def _separated(path: Path) -> Columns:
    text = _utf8(path)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # a report may be long
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = next(rows, [])
        columns: Columns = {name: [] for name in names}
        if len(columns) < len(names):
            raise UserError(f"{path}: two columns have the same name: rename one.")
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                raise UserError(
                    f"{path}, line {rows.line_num}: {len(row)} cells, the header has {len(names)}: "
                    "quote cells that hold the separator, quotes or line ends."
                )
            for name, cell in zip(names, row, strict=True):
                columns[name].append(cell)
    except csv.Error:
        raise UserError(
            f"{path}, line {rows.line_num}: not valid CSV: quote cells that hold the separator, "
            "and double the quotes inside them."
        ) from None
    return columns


def _jsonl(path: Path) -> Columns:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(_utf8(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: not a JSON object: write one object per line.")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _utf8(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}, line {line}: not UTF-8: convert it, e.g. "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}`."
        ) from None
