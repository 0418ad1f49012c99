"""Whether a file is text in UTF-8, and, where it is not, what it is instead."""

from __future__ import annotations

import codecs
from pathlib import Path

from synthfr.corpora.problems import places

_CHUNK = 1 << 20  # bytes
_MAGIC = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"BZh", "compressed (bzip2)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF"),
)
_MARKS = (  # UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def kind(path: Path) -> str | None:
    """What its first bytes say that a file is, such as ``a Parquet file``; None: nothing known."""
    with path.open("rb") as file:
        head = file.read(16)
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def not_utf8(path: Path) -> str | None:
    """The sentence that names another encoding and the remedy; None if the file is UTF-8, with or
    without a byte order mark.
    """
    if wide := _wide(path):
        return f"{path}: the file is {wide[:6]}: save it as UTF-8, {_command(path, wide)}"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _narrow(path)
    return None


def _wide(path: Path) -> str | None:
    """UTF-16 or UTF-32, by its mark; UTF-16 without one by the zeros beside its letters."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if head.count(0) > len(head) / 4:
        return "UTF-16LE" if head[1::2].count(0) > head[::2].count(0) else "UTF-16BE"
    return None


def _narrow(path: Path) -> str:
    """One byte a character: which alphabet it is, the bytes do not tell; a guess, named as such."""
    lines = path.read_bytes().split(b"\n")
    wrong = {number: at for number, line in enumerate(lines, 1) if (at := _first_wrong(line))}
    [(line, at), *_] = wrong.items()
    byte = sum(len(before) + 1 for before in lines[: line - 1]) + at
    foreign = sum(sum(byte >= 0x80 for byte in lines[number - 1]) for number in wrong)
    western = foreign < 0.3 * sum(len(lines[number - 1]) for number in wrong)  # accents alone
    name, said = (
        ("WINDOWS-1252", "Windows-1252 or Latin-1")
        if western
        else ("WINDOWS-1251", "Windows-1251 or another alphabet's")
    )
    where = places(list(wrong), unit="line")
    return (
        f"{path}, {where}: not UTF-8 from byte {byte} on, it looks like {said}: save it as UTF-8, "
        f"{_command(path, name)}"
    )


def _first_wrong(line: bytes) -> int | None:
    """The place, from 1, of the first byte that is not UTF-8."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start + 1
    return None


def _command(path: Path, name: str) -> str:
    return f"e.g. `iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}`."
