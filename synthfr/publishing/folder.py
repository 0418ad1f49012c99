"""A folder to give away: new, whole, and readable by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthfr.disk import atomic_dir
from synthfr.errors import UserError

CARD = "README.md"
_FILE, _FOLDER = 0o644, 0o755  # whatever the umask, and the writers (safetensors: 600)


def refuse_taken(out: Path) -> None:
    """UserError if `out` is anything but a new or an empty folder."""
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise UserError(f"{out} is there already: name a new folder.")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `out` at the end; on any error nothing is there."""
    refuse_taken(out)
    with atomic_dir(out) as partial:
        yield partial
        for path in (partial, *partial.rglob("*")):
            path.chmod(_FOLDER if path.is_dir() else _FILE)
