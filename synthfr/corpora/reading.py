"""Tables of the user's own: Parquet, CSV, TSV or JSONL into columns of Python values.

Whatever is wrong with a file is told at once, one sentence a kind, with file, lines and remedy
(`UserErrors`); nothing of its content is repeated: not even a column's name, which is text where a
file has no header.
"""

from __future__ import annotations

import csv
import difflib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.corpora.encoding import kind, not_utf8
from synthfr.corpora.problems import UserErrors, places
from synthfr.errors import UserError

Columns = dict[str, list[Any]]
FORMATS = (".parquet", ".csv", ".tsv", ".jsonl")
SEPARATORS = ",;\t|"
_TEXT_KINDS = {".csv": "CSV", ".tsv": "TSV", ".jsonl": "JSONL"}


@dataclass(frozen=True)
class FileTable:
    """A file's columns: the names of all of them in order, and the cells of those asked for."""

    rows: Sequence[int]  # their numbers, from 1: rows that cannot be read are left out
    names: tuple[str, ...]
    columns: Columns  # missing cells are None (Parquet, JSONL) or empty text (CSV)
    problems: tuple[str, ...] = ()  # of the rows left out


def read_columns(path: Path) -> Columns:
    """All columns of a table file, by name; missing cells are None. Row 1 is the first data row."""
    table = read_file(path)
    if table.problems:
        raise UserErrors(table.problems)
    return table.columns


def read_file(path: Path, wanted: Collection[str] | None = None) -> FileTable:
    """Read a table file, or a folder of Parquet files that are parts of one table; of its columns
    those `wanted` (None: all).

    A CSV's separator is the one of `SEPARATORS` by which most of `wanted` stand in its header.

    Raises:
        UserErrors: if the file cannot be read as a table. Of single rows the table itself tells.
    """
    readers: dict[str, Callable[[Path, Collection[str] | None], FileTable]] = {
        ".parquet": _parquet,
        ".csv": _separated,
        ".tsv": _separated,
        ".jsonl": _jsonl,
    }
    if path.is_dir():
        return _parts(path, wanted)
    _refuse_unreadable(path)
    reader = readers.get(path.suffix.lower())
    content = kind(path)
    if reader is None:
        what = f" (it is {content})" if content else ""
        raise UserErrors(
            [
                f"{path}: the format '{path.suffix}' is not read{what}: convert the file to one of "
                f"{', '.join(readers)}."
            ]
        )
    text = _TEXT_KINDS.get(path.suffix.lower())
    if text and content:
        raise UserErrors(
            [
                f"{path} is {content}, not {text}: save it as {text} in UTF-8, or give it the "
                "ending of what it is."
            ]
        )
    if text and (sentence := not_utf8(path)):
        raise UserErrors([sentence])
    table = reader(path, wanted)
    if not table.rows and not table.problems:
        raise _no_rows(path)
    return table


def only_table(path: Path, setting: str) -> Path | None:
    """The file itself, or the one table of a folder: its file, or the folder where its Parquet
    files are the parts of one table. None: a folder without a table.

    UserError where a folder holds several tables.
    """
    if not path.is_dir():
        return path
    tables = tables_of(path)
    kinds = {file.suffix.lower() for file in tables}
    if len(tables) <= 1:
        return tables[0] if tables else None
    if kinds == {".parquet"}:
        return path
    what = f"{len(tables)} tables ({', '.join(sorted(kinds))})"
    raise UserError(
        f"{setting}.path: the folder {path} holds {what}: "
        "leave one there, or name the file (Parquet files alone may be several parts of one table)."
    )


def tables_of(folder: Path) -> list[Path]:
    """Files of a folder that can be tables, by name."""
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in FORMATS)


def _parts(folder: Path, wanted: Collection[str] | None) -> FileTable:
    """The Parquet files of a folder as one table, by name; rows are counted through all of them."""
    files = tables_of(folder)
    types: dict[str, str] = {}
    tables = []
    for file in files:
        _refuse_unreadable(file)
        tables.append(_parquet(file, wanted))
        own = _types(file)
        if tables[0].names != tables[-1].names or any(
            types.setdefault(name, kind) != kind for name, kind in own.items()
        ):
            raise UserErrors(
                [
                    f"{folder}: {file.name} has other columns, or other types of them, than "
                    f"{files[0].name}: parts of one table have the same: leave one table there, or "
                    "name the file."
                ]
            )
    columns = {
        name: [cell for one in tables for cell in one.columns[name]] for name in tables[0].columns
    }
    count = sum(len(table.rows) for table in tables)
    if not count:
        raise _no_rows(folder)
    return FileTable(range(1, count + 1), tables[0].names, columns)


def _types(file: Path) -> dict[str, str]:
    """The types of a Parquet file's columns; a column of nulls alone is of any."""
    import pyarrow.parquet as pq

    return {
        field.name: str(field.type) for field in pq.read_schema(file) if str(field.type) != "null"
    }


def _refuse_unreadable(path: Path) -> None:
    if not path.is_file():
        raise UserErrors([f"{path} is not there: correct the path in params.yaml (seed.files)."])
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise UserErrors(
            [f"{path} cannot be read ({error.strerror}): let this user read it (chmod u+r)."]
        ) from None
    if empty:
        raise _no_rows(path)


def _no_rows(path: Path) -> UserErrors:
    return UserErrors([f"{path} has no rows: give a file with at least one report or code."])


def _parquet(path: Path, wanted: Collection[str] | None) -> FileTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.read_schema(path).names
        _refuse_doubled(path, names)  # else Arrow refuses, and says it worse
        table = pq.read_table(path, columns=[name for name in names if _asked(name, wanted)])
        table.validate(full=True)  # Arrow reads text that is not UTF-8, and Python then stumbles
    except (pa.ArrowException, OSError):
        is_other = kind(path) != "a Parquet file"
        what = kind(path) or "another format, whatever its ending"
        raise UserErrors(
            [
                f"{path} is not Parquet ({what}): write it anew, or give it the ending of what it "
                "is."
                if is_other
                else f"{path} cannot be read as Parquet (truncated, damaged, or text that is not "
                "UTF-8): copy or write it anew."
            ]
        ) from None
    columns = {name: table[name].to_pylist() for name in table.column_names}
    return FileTable(range(1, table.num_rows + 1), tuple(names), columns)


def _separated(path: Path, wanted: Collection[str] | None) -> FileTable:
    csv.field_size_limit(max(csv.field_size_limit(), path.stat().st_size))  # a report may be long
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next((line for line in file if line.strip()), "")
    delimiter = _separator(header, wanted or ())
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        begun, count = 1, 0  # the line in which the present row begins; rows so far
        numbers: list[int] = []
        ragged: dict[int, str] = {}
        try:
            names = [name.strip() for name in next((row for row in rows if any(row)), [])]
            _refuse_doubled(path, names)
            kept = [
                (place, name) for place, name in enumerate(names) if name and _asked(name, wanted)
            ]
            columns: Columns = {name: [] for _, name in kept}
            begun = rows.line_num + 1
            for row in rows:
                if len(row) > len(names) and not any(row[len(names) :]):
                    row = row[: len(names)]  # separators at the line's end
                if any(row):  # else a blank line, or separators alone, as spreadsheets write them
                    count += 1
                    if len(row) == len(names):
                        numbers.append(count)
                        for place, name in kept:
                            columns[name].append(row[place])
                    else:
                        ragged[begun] = f"{len(row)} cells"
                begun = rows.line_num + 1
        except csv.Error:
            raise UserErrors(
                [
                    *_ragged(path, ragged, len(names)),
                    f"{path}, line {begun}: not valid CSV from here on: quote cells that hold the "
                    "separator, and double the quotes inside them.",
                ]
            ) from None
    problems = tuple(_ragged(path, ragged, len(names)))
    return FileTable(numbers, tuple(names), columns, problems)


def _ragged(path: Path, cells: dict[int, str], width: int) -> Iterator[str]:
    if cells:
        where = places(list(cells), notes=cells, unit="line")
        yield (
            f"{path}, {where}: not as many cells as the header, which has {width}: quote cells "
            "that hold the separator, quotes or line ends."
        )


def _separator(header: str, wanted: Collection[str]) -> str:
    """By which the header has most of the wanted names; among equals, most cells."""

    def fit(separator: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=separator), [])
        return len(set(cells) & set(wanted)), len(cells)

    return max(SEPARATORS, key=fit)


def _jsonl(path: Path, wanted: Collection[str] | None) -> FileTable:
    rows: dict[int, dict[str, Any]] = {}
    names: dict[str, None] = {}
    wrong: list[int] = []  # lines
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            if number == 1 and line.lstrip().startswith("[") and _is_array(path):
                raise UserErrors([f"{path} is one JSON array: write one object per line instead."])
            row = _object(line)
            if row is None:
                wrong.append(number)
                continue
            names.update(dict.fromkeys(row))
            kept = {name: cell for name, cell in row.items() if _asked(name, wanted)}
            rows[len(rows) + len(wrong) + 1] = kept
    columns = {
        name: [row.get(name) for row in rows.values()] for name in names if _asked(name, wanted)
    }
    problems = (
        [f"{path}, {places(wrong, unit='line')}: not a JSON object: write one object per line."]
        if wrong
        else []
    )
    return FileTable(list(rows), tuple(names), columns, tuple(problems))


def _object(line: str) -> dict[str, Any] | None:
    """The JSON object of a line, None where it holds none that a file can hold."""
    try:
        row = json.loads(line)
        if "\\ud" in line.lower():  # half of a character
            json.dumps(row, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _is_array(path: Path) -> bool:
    """Whether the whole file is a JSON array of objects."""
    try:
        whole = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(whole, list) and all(isinstance(one, dict) for one in whole)


def _asked(name: str, wanted: Collection[str] | None) -> bool:
    return wanted is None or name in wanted


def missing_column(
    path: Path, column: str, name: str, setting: str, theirs: Sequence[str]
) -> UserError:
    """That the file has no `column` (a name of params.yaml, or our `name`). Of `theirs` it tells
    their number, and which ones are like it.
    """
    near = difflib.get_close_matches(column, theirs, n=3)
    places_near = " or ".join(str(theirs.index(one) + 1) for one in near)
    hint = f" (column {places_near} nearly is)" if near else ""
    count = f"{len(theirs)} column{'s' if len(theirs) != 1 else ''}"
    alone = "" if len(theirs) != 1 else ", separate its columns by one of , ; | or a tab"
    return UserError(
        f"{path} has {count}, none of which is called '{column}'{hint}: name the column with the "
        f"'{name}' of a row in {setting}{alone}, or give the file a header; its own names are not "
        "shown, they may be text."
    )


def _refuse_doubled(path: Path, names: Sequence[str]) -> None:
    doubled = [
        f"{names.index(name) + 1} and {place + 1}"
        for place, name in enumerate(names)
        if name.strip() and names.index(name) < place
    ]
    if doubled:
        more = len(doubled) - 1
        also = f" (so have {more} more pairs)" if more else ""
        raise UserErrors(
            [
                f"{path}: columns {doubled[0]} have the same name{also}: rename one, or give the "
                "file a header."
            ]
        )
