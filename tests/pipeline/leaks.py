"""Looks for planted strings in everything that could leave a workspace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

STAYS = (".git", "data/private", ".dvc/cache", ".dvc/tmp")
"""What never leaves: the private side, and caches that only a push (searched itself) copies."""


def find(root: Path, planted: Iterable[str], stays: tuple[str, ...] = STAYS) -> list[str]:
    """``path: string`` for every planted string in a file under ``root``, in any letter case."""
    wanted = [(string, string.lower().encode()) for string in planted]
    return [
        f"{path.relative_to(root)}: {string}"
        for path in _files(root, stays)
        for string, needle in wanted
        if needle in _content(path)
    ]


def _files(root: Path, stays: tuple[str, ...]) -> Iterator[Path]:
    # the private side of every recipe, where that of the root stays
    folders = [*stays, *(f"recipes/*/{folder}" for folder in stays if folder == "data/private")]
    kept_in = [found for folder in folders for found in root.glob(folder)]
    for path in sorted(root.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(folder) for folder in kept_in):
            yield path


def _content(path: Path) -> bytes:
    """The file's bytes, lower-cased; Parquet (compressed) is decoded, whatever its name."""
    raw = path.read_bytes()
    if raw[:4] == b"PAR1":
        table = pq.read_table(pa.BufferReader(raw))
        raw += "\n".join(
            str(value) for name in table.column_names for value in table[name].to_pylist()
        ).encode()
        raw += str(table.schema.metadata).encode()
    return raw.lower()
