"""One format of a table file each: Parquet, CSV and TSV, JSONL, into columns of Python values."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthfr.corpora.encoding import kind
from synthfr.corpora.problems import UserErrors, places

Columns = dict[str, list[Any]]
SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class FileTable:
    """A file's columns: the names of all of them in order, and the cells of those asked for."""

    rows: Sequence[int]  # their numbers, from 1: rows that cannot be read are left out
    names: tuple[str, ...]
    columns: Columns  # missing cells are None (Parquet, JSONL) or empty text (CSV)
    problems: tuple[str, ...] = ()  # of the rows left out


def parquet(path: Path, wanted: Collection[str] | None) -> FileTable:
    """A Parquet file's `wanted` columns (None: all).

    Raises:
        UserErrors: if it is no Parquet file, is damaged, or has two columns of one name.
    """
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


def separated(path: Path, wanted: Collection[str] | None) -> FileTable:
    """A CSV's or TSV's `wanted` columns (None: all); rows of another length than the header are
    left out and told.

    Raises:
        UserErrors: if it is no valid CSV from some line on, or has two columns of one name.
    """
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


def jsonl(path: Path, wanted: Collection[str] | None) -> FileTable:
    """The `wanted` keys (None: all) of a file with one JSON object a line; other lines are left out
    and told.

    Raises:
        UserErrors: if it is one JSON array.
    """
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


def column_types(file: Path) -> dict[str, str]:
    """The types of a Parquet file's columns; a column of nulls alone is of any."""
    import pyarrow.parquet as pq

    return {
        field.name: str(field.type) for field in pq.read_schema(file) if str(field.type) != "null"
    }


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
