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
            frame = read_one_of(path, *tables)
        except UserError as error:
            raise UserError(str(error).replace(f"{folder}/", "")) from None
        if pq.read_metadata(path).metadata:
            raise UserError(
                f"{name}{SUFFIX}: notes stand beside the table's columns, where ours have none: do "
                "not use it, and ask its sender."
            )
    return frame


def contents(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """SHA-256 of what each table holds: its columns and rows in their order, not its bytes, which
    another version of the Parquet library may write otherwise.
    """
    return {
        name: digest([[column, frame[column].tolist()] for column in frame.columns])
        for name, frame in sorted(frames.items())
    }
