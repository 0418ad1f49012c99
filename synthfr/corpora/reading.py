"""Tables of the user's own: Parquet, CSV, TSV or JSONL into columns of Python values.

Whatever is wrong with a file is a UserError that names it, the row where there is one, and the
remedy, and repeats nothing of its content: not even a column's name, which is text where a file has
no header.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Callable, Sequence
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
        _refuse_doubled(path, pq.read_schema(path).names)  # else Arrow refuses, and says it worse
        table = pq.read_table(path)
        table.validate(full=True)  # Arrow reads text that is not UTF-8, and Python then stumbles
    except (pa.ArrowException, OSError):
        raise UserError(
            f"{path} cannot be read as Parquet (truncated, another format, or text that is not "
            "UTF-8): copy or write it anew."
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
        _refuse_doubled(path, names)
        columns: Columns = {name: [] for name in names}
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
            if "\\ud" in line.lower():  # half of a character, which no file can hold
                json.dumps(row, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: not a JSON object: write one object per line.")
        rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def missing_column(
    path: Path, column: str, name: str, setting: str, theirs: Sequence[str]
) -> UserError:
    """That the file has no `column` (a name of params.yaml, or our `name`). Of `theirs` it tells
    their number, and which one is like it.
    """
    near = difflib.get_close_matches(column, theirs, n=1)
    hint = f" (column {theirs.index(near[0]) + 1} nearly is)" if near else ""
    count = f"{len(theirs)} column{'s' if len(theirs) != 1 else ''}"
    return UserError(
        f"{path} has {count}, none of which is called '{column}'{hint}: name the column with the "
        f"'{name}' of a row in {setting}, or give the file a header; its own names are not shown, "
        "they may be text."
    )


def _refuse_doubled(path: Path, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if (first := names.index(name)) < place:
            raise UserError(
                f"{path}: columns {first + 1} and {place + 1} have the same name: rename one, or "
                "give the file a header."
            )


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
