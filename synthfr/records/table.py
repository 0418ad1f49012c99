"""What a table is, and the checks on every read and write.

An error names file, our columns, positions, ids and remedy, never text or a name out of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from synthfr import redact
from synthfr.disk import atomic_path
from synthfr.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

_NOT_OF_TYPE = (pa.ArrowException, OverflowError, TypeError, UnicodeError)
_ZSTD_LEVEL = 9  # fixed, for equal bytes; measured size gains stop about here


@dataclass(frozen=True)
class Table:
    """One kind of table: exactly the columns of `schema`; those in `optional` may be absent."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]  # the columns that name a row: never null, no two rows alike
    text: tuple[str, ...] = ()  # string columns that may not be blank
    filled: tuple[str, ...] = ()  # list columns that may not be empty
    nullable: tuple[str, ...] = ()  # columns whose values may be null (NaN for floats)
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_table(path: str | Path, table: Table) -> pd.DataFrame:
    """Read and check a Parquet table: columns in schema order, lists as lists, null floats NaN,
    integers that may be null in pandas' nullable type.
    """
    return read_one_of(path, table)


def read_one_of(path: str | Path, *tables: Table) -> pd.DataFrame:
    """Read and check a Parquet table that is one of `tables`, see `kind_of`."""
    import pandas as pd
    import pyarrow.parquet as pq

    try:
        arrow = pq.read_table(path)
        arrow.validate(full=True)  # Arrow reads text that is not UTF-8, and Python then stumbles
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: make it with `dvc repro` or fetch it with `dvc pull`."
        ) from None
    except (pa.ArrowException, OSError):
        raise UserError(
            f"{path} cannot be read as Parquet (truncated, another format, or text that is not "
            "UTF-8): remove it and make or fetch it again."
        ) from None
    table = _kind(arrow.column_names, tables)
    names = _columns(arrow.column_names, table, str(path))
    for name in names:
        actual, wanted = arrow.schema.field(name).type, table.schema.field(name).type
        if not _same_type(actual, wanted):
            raise UserError(
                f"{path}: column '{name}' has type {_shown_type(actual)}, "
                f"a {table.name} table wants {wanted}: convert the column."
            )
    arrow = arrow.select(names).cast(pa.schema([table.schema.field(name) for name in names]))
    _check(arrow, table, str(path))
    columns: dict[str, Any] = {}
    for name in names:
        kind = table.schema.field(name).type
        whole = pa.types.is_integer(kind) and name not in table.nullable
        columns[name] = (
            arrow[name].to_numpy()
            if whole or pa.types.is_floating(kind)
            else pd.Series(arrow[name].to_pylist(), dtype=_dtype(kind, name in table.nullable))
        )
    return pd.DataFrame(columns)


def kind_of(frame: pd.DataFrame, *tables: Table) -> Table:
    """The one of `tables` that `frame` is, by its columns; of none the first, whose check then says
    what is wrong.
    """
    return _kind(list(frame.columns), tables)


def _kind(present: Sequence[str], tables: Sequence[Table]) -> Table:
    of_it = (one for one in tables if set(one.schema.names) - set(one.optional) <= set(present))
    return next(of_it, tables[0])


def write_table(
    frame: pd.DataFrame, path: str | Path, table: Table, *, private: bool = False
) -> None:
    """Check `frame` and write it as Parquet (zstd), atomically; equal rows give equal bytes.

    A `private` table is its owner's alone: mode 600.
    """
    import pyarrow.parquet as pq

    arrow = _to_arrow(frame, table, str(path))
    with atomic_path(path, private=private) as partial:
        pq.write_table(
            arrow, partial, compression="zstd", compression_level=_ZSTD_LEVEL, store_schema=False
        )


def validate(frame: pd.DataFrame, table: Table, where: str) -> None:
    """Raise a UserError, told as being in `where`, unless `frame` is a proper `table`."""
    _to_arrow(frame, table, where)


def empty(table: Table) -> pd.DataFrame:
    """A frame with the columns of `table` (optional ones left out) and no rows."""
    import pandas as pd

    names = [name for name in table.schema.names if name not in table.optional]
    return pd.DataFrame(
        {
            name: pd.Series(dtype=_dtype(table.schema.field(name).type, name in table.nullable))
            for name in names
        }
    )


def _to_arrow(frame: pd.DataFrame, table: Table, where: str) -> pa.Table:
    names = _columns(list(frame.columns), table, where)
    arrow = pa.table(
        [_column(frame[name].tolist(), table, name, where) for name in names],
        schema=pa.schema([table.schema.field(name) for name in names]),
    )
    _check(arrow, table, where)
    return arrow


def _columns(present: list[str], table: Table, where: str) -> list[str]:
    """The table's columns that are present, in schema order; no missing, doubled, foreign one."""
    missing = [
        name for name in table.schema.names if name not in present and name not in table.optional
    ]
    if missing:
        raise UserError(
            f"{where}: column '{missing[0]}' is missing from this {table.name} table of "
            f"{len(present)} columns: add it or map a column to it."
        )
    foreign = _first(name not in table.schema.names for name in present)
    if foreign is not None:
        raise UserError(
            f"{where}: column {foreign + 1} of {len(present)} has no place in a {table.name} "
            f"table, which has {', '.join(table.schema.names)}: remove it."
        )
    if len(set(present)) < len(present):
        raise UserError(f"{where}: a column of this {table.name} table is there twice: remove one.")
    return [name for name in table.schema.names if name in present]


def _column(values: list[Any], table: Table, name: str, where: str) -> pa.Array:
    kind = table.schema.field(name).type
    try:
        # Arrow would take a bare string for the list of its letters
        if pa.types.is_list(kind) and any(isinstance(value, str) for value in values):
            raise TypeError
        return pa.array(values, kind, from_pandas=True)
    except _NOT_OF_TYPE:
        # Arrow's own message quotes the value, which may be private text: find the row ourselves
        row = next((row for row, value in enumerate(values) if not _converts(value, kind)), 0)
        raise UserError(
            f"{where}: column '{name}', row {row}: not of type {kind}: convert the column."
        ) from None


def _converts(value: Any, kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) and isinstance(value, str):
        return False
    try:
        pa.array([value], kind, from_pandas=True)
    except _NOT_OF_TYPE:
        return False
    return True


def _check(arrow: pa.Table, table: Table, where: str) -> None:
    columns = {name: arrow[name].to_pylist() for name in arrow.column_names}

    def fail(name: str, row: int, what: str) -> UserError:
        ids = [
            f"{key} {redact.shown_id(columns[key][row])}"
            for key in table.key
            if key != name and columns[key][row] is not None
        ]
        named = f" ({', '.join(ids)})" if ids else ""
        return UserError(f"{where}: column '{name}', row {row}{named}: {what}")

    for name, values in columns.items():
        may_be_null = name in table.nullable or name in table.optional
        if not may_be_null and (row := _first(value is None for value in values)) is not None:
            raise fail(name, row, "is null: fill it in or drop the row.")
        if (
            name in table.text
            and (row := _first(not value.strip() for value in values)) is not None
        ):
            raise fail(name, row, "is empty: fill it in or drop the row.")
        if name in table.filled and (row := _first(not value for value in values)) is not None:
            raise fail(name, row, "is an empty list: fill it in or drop the row.")
        if (
            name in table.choices
            and (row := _first(value not in table.choices[name] for value in values)) is not None
        ):
            raise fail(name, row, f"must be one of {', '.join(table.choices[name])}.")
        kind = table.schema.field(name).type
        if pa.types.is_list(kind):
            row = _first(
                any(item is None or not item.strip() for item in value or ()) for value in values
            )
            if row is not None:
                raise fail(name, row, "holds a null or empty item: remove the item.")
        if pa.types.is_floating(kind):
            row = _first(value is not None and value - value != 0 for value in values)
            if row is not None:
                raise fail(name, row, "is not a finite number: leave it null or mend it.")
    seen: dict[tuple[Any, ...], int] = {}
    for row, key in enumerate(zip(*(columns[name] for name in table.key), strict=True)):
        hashable = tuple(tuple(part) if isinstance(part, list) else part for part in key)
        if seen.setdefault(hashable, row) != row:
            shown = ", ".join(
                f"{name} {redact.shown_id(part)}" for name, part in zip(table.key, key, strict=True)
            )
            raise UserError(
                f"{where}: rows {seen[hashable]} and {row} have the same {shown}: keep one of them."
            )


def _first(flags: Iterable[bool]) -> int | None:
    return next((row for row, flag in enumerate(flags) if flag), None)


def _same_type(actual: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_large_string(actual):
        actual = pa.string()
    if pa.types.is_list(actual) or pa.types.is_large_list(actual):
        return pa.types.is_list(wanted) and _same_type(actual.value_type, wanted.value_type)
    return bool(actual == wanted)


def _shown_type(kind: pa.DataType) -> str:
    """Without what stands in brackets: names of a struct's fields come from the file."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list of {_shown_type(kind.value_type)}"
    return re.split(r"[\[<(]", str(kind), maxsplit=1)[0]


def _dtype(kind: pa.DataType, nullable: bool) -> Any:
    if pa.types.is_list(kind):
        return object
    if pa.types.is_integer(kind) and nullable:
        return str(kind).capitalize()  # pandas' Int8
    return "str" if pa.types.is_string(kind) else kind.to_pandas_dtype()
