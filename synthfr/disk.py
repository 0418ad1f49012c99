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
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthfr.errors import UserError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    except Exception as error:
        # libraries with exceptions of their own (safetensors, Arrow) may carry only the message
        number = error.errno if isinstance(error, OSError) else None
        if number in _NO_SPACE or any(os.strerror(code) in str(error) for code in _NO_SPACE):
            raise UserError(
                f"No space left on the disk (or file-size limit reached) while writing {path}: "
                "nothing was kept of it; free some space and run again."
            ) from error
        raise
