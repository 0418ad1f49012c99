"""DVC's default remote, read without DVC: where ``dvc push`` sends and ``dvc pull`` fetches from.

As shipped it is a folder beside the checkout, which no other machine and no clone elsewhere sees.
DVC itself then says no more than that files are missing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from synthfr.errors import UserError
from synthfr.pipeline import dvc_cache, layout

_ELSEWHERE = "a store or folder that all who pull can see"


@dataclass(frozen=True)
class Remote:
    """As ``.dvc/config`` has it."""

    name: str
    url: str

    @property
    def folder(self) -> Path | None:
        """Of a remote that is a folder, absolute; a relative one counts from ``.dvc``."""
        if "://" in self.url:
            return None
        return Path(os.path.normpath(layout.checkout() / ".dvc" / self.url))

    @property
    def fault(self) -> str | None:
        """A folder that is not there, with the remedy."""
        if self.folder is None or self.folder.is_dir():
            return None
        return (
            f"the default remote '{self.name}' is the folder {self.folder}, which is not here, so "
            "there is nothing to pull: `dvc push` where the data are, or name "
            f"{_ELSEWHERE}: `dvc remote modify --local {self.name} url PLACE`"
        )

    def __str__(self) -> str:
        here = ", a folder that other machines and clones elsewhere may not see"
        return f"default remote '{self.name}': {self.url}{here if self.folder else ''}"


def default() -> Remote | None:
    """The remote that is used where none is named."""
    config = dvc_cache.config()
    name = config.get("core", "remote", fallback=None)
    if name is None:
        return None
    url = config.get(f"'remote \"{name}\"'", "url", fallback=None, raw=True)
    return None if url is None else Remote(name, url)


def told(error: UserError) -> str:
    """An error on one line. Where it sends its reader to ``dvc pull`` and that would fail, it goes
    on with why.
    """
    message = " ".join(str(error).split())
    if "`dvc pull" not in message or not (layout.checkout() / ".dvc").is_dir():
        return message
    remote = default()
    if remote is None:
        return f"{message} No default remote to pull from: dvc remote add -d NAME PLACE."
    return f"{message} But {remote.fault}." if remote.fault else message
