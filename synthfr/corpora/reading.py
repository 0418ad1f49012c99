"""Tables of the user's own: Parquet, CSV, TSV or JSONL into columns of Python values.

Whatever is wrong with a file is told at once, one sentence a kind, with file, lines and remedy
(`UserErrors`); nothing of its content is repeated: not even a column's name, which is text where a
file has no header.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from synthfr.corpora.encoding import kind, not_utf8
from synthfr.corpora.formats import Columns, FileTable, column_types, jsonl, parquet, separated
from synthfr.corpora.problems import UserErrors
from synthfr.errors import UserError

FORMATS = (".parquet", ".csv", ".tsv", ".jsonl")
_TEXT_KINDS = {".csv": "CSV", ".tsv": "TSV", ".jsonl": "JSONL"}


def read_columns(path: Path) -> Columns:
    """All columns of a table file, by name; missing cells are None. Row 1 is the first data row."""
    table = read_file(path)
    if table.problems:
        raise UserErrors(table.problems)
    return table.columns


def read_file(path: Path, wanted: Collection[str] | None = None) -> FileTable:
    """Read a table file, or a folder of Parquet files that are parts of one table; of its columns
    those `wanted` (None: all).

    A CSV's separator is the one of `formats.SEPARATORS` by which most of `wanted` stand in its
    header.

    Raises:
        UserErrors: if the file cannot be read as a table. Of single rows the table itself tells.
    """
    readers: dict[str, Callable[[Path, Collection[str] | None], FileTable]] = {
        ".parquet": parquet,
        ".csv": separated,
        ".tsv": separated,
        ".jsonl": jsonl,
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
        tables.append(parquet(file, wanted))
        own = column_types(file)
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
