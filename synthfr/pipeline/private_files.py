"""Files with private text: where they may lie, and who else on this machine can read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.errors import UserError
from synthfr.pipeline.tracking.wall import PRIVATE, is_private

if TYPE_CHECKING:
    from synthfr.corpora import Seed

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def refuse_exposed(seed: Seed, private: Path) -> None:
    """UserError if the private reports lie in the checkout but outside the folder `private` of the
    current recipe or of the root: the next ``git add -A`` would take them. Links are followed;
    outside the checkout all is well.
    """
    path = seed.files.private.path
    if seed.source == "demo" or path is None:
        return
    here = Path(os.path.realpath(path))
    closed = [folder / private for folder in (Path.cwd().resolve(), checkout())]
    if here.is_relative_to(checkout()) and not any(map(here.is_relative_to, closed)):
        raise UserError(
            f"seed.files.private.path: {path} lies in this checkout but outside {private}, where "
            f"git would take it: move it to {private / 'raw'}, or out of the checkout, and correct "
            "the path."
        )


def leads_to_private(path: Path, seed: Seed | None) -> bool:
    """Whether `path` is under a folder ``data/private`` or where the private reports of `seed` lie.
    Links are followed; the file itself is not asked for, which public stages may not do.
    """
    here = Path(os.path.realpath(path))
    raw = seed.files.private.path if seed and seed.source != "demo" else None
    return PRIVATE in pairwise(here.parts) or bool(
        raw and here.is_relative_to(os.path.realpath(raw))
    )


def refuse_published(path: Path, seed: Seed | None) -> None:
    """UserError if `path`, which is to be given away or written to for others, or anything in it,
    is under ``data/private`` of any recipe or where the private reports of `seed` lie. Links are
    followed.
    """
    if is_private(path) or leads_to_private(path, seed):
        raise UserError(
            f"{path} is on the private side (data/private, or a link to it): nothing there is "
            "published; name another place."
        )


def checkout() -> Path:
    """The folder of the git repository that we are in; where there is none, the folder itself."""
    here = Path.cwd().resolve()
    return next((one for one in (here, *here.parents) if (one / ".git").exists()), here)


def close(folder: Path) -> None:
    """Make our own files under `folder`, but those that git has, readable by us alone (mode 600).

    DVC moves a stage's outputs to its cache and copies them back with the modes that the umask
    gives; so does `dvc checkout`. Every private stage calls this before it reads, so that the
    files are open at most until the next one. Out of reach: DVC's cache itself, whose files have
    mode 444 always (its folder must be closed: ``chmod 700 .dvc/cache``), and files that are
    links into it (cache.type hardlink or symlink).
    """
    for path in _files(folder):
        try:
            now = path.lstat()
        except FileNotFoundError:  # half a file of another stage, which has its name by now
            continue
        single = stat.S_ISREG(now.st_mode) and now.st_nlink == 1
        if single and now.st_uid == os.geteuid() and now.st_mode & _OTHERS:
            path.chmod(0o600)


def open_to_others(folder: Path) -> Iterator[Path]:
    """Files under `folder`, but those that git has, that others can read."""
    if not folder.is_dir() or not folder.stat().st_mode & _OTHERS:
        return
    for path in sorted(_files(folder)):
        if path.is_file() and path.stat().st_mode & _OTHERS:
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """All files under `folder` but its README and .gitignore files; linked folders are left out."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, one) for one in names if one not in {"README.md", ".gitignore"})
