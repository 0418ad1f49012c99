"""MD5 of files and folders as DVC computes it and dvc.lock has it, without DVC.

A folder's is that of the list of its files, what ``.dvcignore`` names left out; it ends in
``.dir``. Of patterns in ``.dvcignore`` those are understood that the shipped one uses: names and
anchored paths, with ``*`` and ``?``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path
from typing import Any

from synthfr.disk import write_json
from synthfr.errors import UserError

_ALWAYS_IGNORED = ("/.git", ".git", ".hg", ".dvc")
_LARGE_BYTES = 1 << 20  # from here on a file is not read again while size and time are the same


class Hashes:
    """Hashes of paths below one folder; those of large files are kept in the file `known`."""

    def __init__(self, folder: Path, known: Path) -> None:
        self._folder, self._known = Path(os.path.abspath(folder)), known
        self._root, patterns = _ignore_file(self._folder)
        plain = [one.rstrip("/") for one in patterns]
        self._names = _matching([one for one in plain if "/" not in one])
        self._paths = _matching([one.lstrip("/") for one in plain if "/" in one])
        self._kept: dict[str, Any] | None = None
        self._new = False

    def of(self, path: str) -> str | None:
        """Of a file or folder, relative to the folder; None if there is none."""
        place = self._folder / path
        if place.is_file():
            return self._file(place)
        if not place.is_dir():
            return None
        entries = [
            {"md5": self._file(file), "relpath": file.relative_to(place).as_posix()}
            for file in self._files(place)
        ]
        listing = json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True)
        return f"{_md5(listing.encode())}.dir"

    def keep(self) -> None:
        """Write down what was newly read; a place that cannot be written to costs time only."""
        if self._new:
            try:
                write_json(self._known, self._kept)
            except (OSError, UserError):
                return

    def _files(self, folder: Path) -> Iterator[Path]:
        with os.scandir(folder) as entries:
            for entry in entries:
                path = Path(entry.path)
                if self._is_ignored(entry.name, path):
                    continue
                if entry.is_dir():
                    yield from self._files(path)
                elif entry.is_file():
                    yield path

    def _is_ignored(self, name: str, path: Path) -> bool:
        if self._names.match(name):
            return True
        inside = path.is_relative_to(self._root)
        return inside and bool(self._paths.match(path.relative_to(self._root).as_posix()))

    def _file(self, path: Path) -> str:
        found = path.stat()
        if found.st_size < _LARGE_BYTES:
            return _md5(path.read_bytes())
        if self._kept is None:
            self._kept = _read(self._known)
        state = [found.st_size, found.st_mtime_ns, found.st_ino]
        before = self._kept.get(str(path))
        if not isinstance(before, list) or before[:3] != state:
            self._kept[str(path)], self._new = [*state, md5_file(path)], True
        return str(self._kept[str(path)][3])


def md5_file(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _ignore_file(folder: Path) -> tuple[Path, list[str]]:
    """The nearest ``.dvcignore`` upwards: its folder and patterns, DVC's own among them."""
    for root in (folder, *folder.parents):
        try:
            text = (root / ".dvcignore").read_text(encoding="utf-8")
        except OSError:
            continue
        lines = [line.strip() for line in text.splitlines()]
        return root, [*_ALWAYS_IGNORED, *(one for one in lines if one and one[0] not in "#!")]
    return folder, list(_ALWAYS_IGNORED)


def _matching(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
