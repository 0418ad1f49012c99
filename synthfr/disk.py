"""Files that appear whole or not at all, and digests of what they hold.

Everything is written to a hidden sibling (``.NAME.partial``) and renamed at the end. The sibling's
name is fixed, so what a killed process left behind is overwritten by the next one; git and DVC
ignore it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthfr.errors import UserError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# what libraries say that carry no errno: safetensors and Arrow the system's words, SQLite its own;
# torch and numpy only that less was written than meant
_FULL = [os.strerror(code) for code in sorted(_NO_SPACE)] + ["database or disk is full"]
_FULL += ["file write failed", "iostream error"]
_SHORT = re.compile(r"\d+ requested and \d+ written|unexpected pos \d+ vs \d+")

# Python's, where it can write no temporary file anywhere, not even here
_NO_TEMPORARY = "No usable temporary directory"
_NO_ROOM = ("0 MiB", "no inode")


@contextmanager
def atomic_path(path: str | Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling of `path`: renamed to it on success, removed on any error.

    Parent folders are made. The sibling keeps the suffix, for writers that look at it.
    A full disk is a UserError. A `private` file is its owner's alone (mode 600) from its first byte
    on, and so is its folder (700) where it is made.
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    with _full_disk_as_user_error(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
        partial.unlink(missing_ok=True)
        if private:
            partial.touch(mode=0o600, exist_ok=False)
        try:
            yield partial
            _sync(partial)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_dir(path: str | Path) -> Iterator[Path]:
    """Like `atomic_path` for a folder: yields an empty sibling that replaces `path` on success."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    old = path.with_name(f".{path.name}.old.partial")
    with _full_disk_as_user_error(path):
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
            for file in sorted(partial.rglob("*")):
                if file.is_file():
                    _sync(file)
            if path.exists():
                path.rename(old)
            partial.rename(path)
            shutil.rmtree(old, ignore_errors=True)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def write_text(path: str | Path, text: str, *, private: bool = False) -> None:
    """Write UTF-8 text atomically, with its line ends as they are; `private`: see `atomic_path`."""
    with atomic_path(path, private=private) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(path: str | Path, obj: Any) -> None:
    """Write JSON atomically: keys sorted, floats rounded to 10 digits, NaN and infinity null."""
    text = json.dumps(
        _canonical(obj), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
    )
    write_text(path, text + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a file that is missing or no JSON is a UserError."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: make it with `dvc repro` or fetch it with `dvc pull`."
        ) from None
    except ValueError as error:
        raise UserError(
            f"{path} is not valid JSON ({error.__class__.__name__}): remove it and make it again."
        ) from None


def read_yaml(path: str | Path) -> Any:
    """Plain Python objects of a YAML 1.2 file; doubled keys and bad syntax are UserErrors."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing: check its name, and the folder you are in.") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8.") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(
            f"{path}{line}: {error.problem or 'not valid YAML'}: mend the line."
        ) from None
    except YAMLError:
        raise UserError(f"{path} is not valid YAML: mend it.") from None


def sha256_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(obj: Any) -> str:
    """Hexadecimal SHA-256 of `obj` as canonical JSON (sorted keys, floats rounded to 10 digits)."""
    text = json.dumps(_canonical(obj), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def digest_tree(path: str | Path) -> str:
    """Digest of a file, or of a folder: relative names and contents of all files, not dates."""
    path = Path(path)
    if path.is_file():
        return sha256_file(path)
    if not path.is_dir():
        raise UserError(f"{path} is missing: make it with `dvc repro` or fetch it with `dvc pull`.")
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return digest({file.relative_to(path).as_posix(): sha256_file(file) for file in files})


def _canonical(obj: Any) -> Any:
    if hasattr(obj, "tolist"):  # numpy scalars and arrays, without importing numpy
        obj = obj.tolist()
    if isinstance(obj, Mapping):
        return {str(key): _canonical(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_canonical(value) for value in obj]
    if isinstance(obj, float):
        return round(obj, 10) if math.isfinite(obj) else None
    if isinstance(obj, Path):
        return obj.as_posix()
    return obj


def _sync(path: Path) -> None:
    # without fsync a machine that stops just after the rename may keep the name and lose the bytes
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _full_disk_as_user_error(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if is_full(error):
            raise full_disk(f"{path}, of which nothing was kept", path.parent) from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether an exception, or one that it came from, says that a disk, a quota or a file-size
    limit is full.
    """
    one: BaseException | None = error
    while one is not None:
        if isinstance(one, OSError) and one.errno in _NO_SPACE:
            return True
        text = str(one)
        if any(words in text for words in _FULL) or _SHORT.search(text):
            return True
        if _NO_TEMPORARY in text and free_space(Path()) in _NO_ROOM:
            return True
        one = one.__cause__ or one.__context__
    return False


def full_disk(what: str, *folders: Path) -> UserError:
    """That `what` could not be written, and how much room there is where it may have gone to."""
    names = [str(folder) if folder != Path() else "this folder" for folder in folders]
    room = ", ".join(
        f"{name} has {free_space(folder)} left" for name, folder in zip(names, folders, strict=True)
    )
    return UserError(
        f"No space left on the disk (or a quota or file-size limit is reached) while writing {what}"
        f" ({room}): free some space (`synth-fr doctor` says what can go) and run again."
    )


def free_space(folder: Path) -> str:
    """Room on the file system of a folder, or of where it would be made, as ``12 MiB``."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    found = os.statvfs(place)
    if found.f_files and not found.f_favail:
        return _NO_ROOM[1]  # bytes are left, and no file can be made
    return size(found.f_bavail * found.f_frsize)


def size(count: int) -> str:
    """A number of bytes for people: ``0 MiB``, ``12 MiB``, ``3.4 GiB``."""
    mebibytes = count / (1 << 20)
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GiB"
