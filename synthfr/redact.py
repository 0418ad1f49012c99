"""What may be said of private data in errors, warnings and logs, and what says it.

Known column names (ours, and those that stand in params.yaml), positions, and ids that look like
ids, cut. Never a cell, and never a name out of a file: a file without a header has text there.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ID_CHARS = 40
HIDDEN = "not shown, it looks like no id"
# with a digit, so that a name ("Dupont") in a wrongly mapped column is none
_ID = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9_.:-]*")
_DATE = re.compile(r"[0-9]{1,4}([-.])[0-9]{1,2}\1[0-9]{1,4}")
_VARIABLE = "SYNTHFR_PRIVATE_STAGE"  # tells child processes; set here, never by users


def shown_id(value: object) -> str:
    """``'s4'`` for an id (quoted, at most `ID_CHARS` long), a number as it is, else `HIDDEN`.

    An id is one word of ASCII letters, digits and ``_.:-`` with a digit in it that is no date.
    """
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or not _ID.fullmatch(value) or _DATE.fullmatch(value):
        return HIDDEN
    return f"'{value}'" if len(value) <= ID_CHARS else f"'{value[:ID_CHARS]}...'"


def failure(error: BaseException) -> str:
    """An unexpected exception without its message, which may quote what it met: one line a type in
    the chain of causes, and below it where in the code it was raised.
    """
    lines: list[str] = []
    one: BaseException | None = error
    while one is not None:
        lines.append(type(one).__name__)
        lines += [
            f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(one.__traceback__)
        ]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return "\n".join(lines)


def is_private_stage() -> bool:
    """Whether this process, or the one that started it, is inside `private_stage`."""
    return _VARIABLE in os.environ


@contextmanager
def private_stage() -> Iterator[None]:
    """While private text is at hand: warnings, and exceptions that nobody can catch (of threads, of
    finalisers), are told without their messages.
    """
    before = os.environ.get(_VARIABLE)
    hooks = warnings.showwarning, threading.excepthook, sys.unraisablehook
    os.environ[_VARIABLE] = "1"
    warnings.showwarning = _warning
    threading.excepthook = sys.unraisablehook = _uncaught
    try:
        yield
    finally:
        warnings.showwarning, threading.excepthook, sys.unraisablehook = hooks
        if before is None:
            del os.environ[_VARIABLE]


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    place = f"{_place(filename)}:{lineno}"
    print(f"{place}: {category.__name__} (its text may be private)", file=file or sys.stderr)


def _uncaught(caught: Any) -> None:
    if caught.exc_value is not None:
        print(f"Not caught: {failure(caught.exc_value)}", file=sys.stderr)


def _place(filename: str) -> str:
    """A source file, from the repository's or the installed packages' folder on."""
    path = Path(filename)
    for root in (Path(__file__).parents[1], Path(sys.prefix)):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return path.name
