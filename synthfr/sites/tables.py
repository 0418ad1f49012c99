"""Tables of a bundle, to bytes and back, through the checks of `synthfr.records`."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.disk import digest
from synthfr.errors import UserError
from synthfr.records import Table
from synthfr.records.table import read_one_of, write_table

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".parquet"
# of one table, as it says itself, out of its compression
MOST_ROWS = 5_000_000
MOST_BYTES = 4 << 30


def encoded(frame: pd.DataFrame, table: Table) -> bytes:
    """The table as Parquet; equal rows give equal bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{SUFFIX}"
        write_table(frame, path, table, private=True)
        return path.read_bytes()


def decoded(name: str, data: bytes, *tables: Table) -> pd.DataFrame:
    """The table `name` (of one of these schemas) from its bytes.

    Raises:
        UserError: it has another column, type or row than the schema allows, or notes beside them.
    """
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}{SUFFIX}"
        path.write_bytes(data)
        try:
            _check_size(path)
            frame = read_one_of(path, *tables)
        except UserError as error:
            raise UserError(str(error).replace(f"{folder}/", "")) from None
        if pq.read_metadata(path).metadata:
            raise UserError(
                f"{name}{SUFFIX}: notes stand beside the table's columns, where ours have none: do "
                "not use it, and ask its sender."
            )
    return frame


def _check_size(path: Path) -> None:
    """UserError where the table says that it is larger than any of ours; a file that is no table
    is left to `read_one_of`, which says so.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return
    groups = [told.row_group(at).total_byte_size for at in range(told.num_row_groups)]
    if told.num_rows > MOST_ROWS or sum(groups) > MOST_BYTES:
        raise UserError(
            f"{path}: more than {MOST_ROWS} rows or {MOST_BYTES >> 20} MiB: do not use it, and ask "
            "its sender for less at once."
        )


def contents(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """SHA-256 of what each table holds: its columns and rows in their order, not its bytes, which
    another version of the Parquet library may write otherwise.
    """
    return {
        name: digest([[column, frame[column].tolist()] for column in frame.columns])
        for name, frame in sorted(frames.items())
    }
