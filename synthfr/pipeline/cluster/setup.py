"""What is set once in a checkout on a cluster: ``.dvc/config.local``, the shared cache's folder."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from synthfr.errors import UserError

LOCAL = Path(".dvc/config.local")
# no copies where it can be helped: between two file systems only symlinks work
LINKS = "reflink,hardlink,symlink,copy"


def set_up(cache: Path | None, group: str | None, hardlink_lock: bool) -> list[str]:
    """Make the settings; what was changed, in words. A second call with the same changes nothing.

    `cache`: a folder for the whole group (DVC then makes its files writable for the group). Private
    tables lie in it, so nobody outside the group may enter.
    """
    if hardlink_lock:
        _require_hard_links(LOCAL.parent)
    wanted = {"core.hardlink_lock": "true"} if hardlink_lock else {}
    changed = []
    if cache is not None:
        cache = cache.expanduser().resolve()
        changed += _folder(cache, group)
        wanted |= {"cache.dir": str(cache), "cache.shared": "group", "cache.type": LINKS}
    for name, value in wanted.items():
        if _setting(name) != value:
            _dvc("config", "--local", name, value)
            changed.append(f"{LOCAL}: {name} = {value}")
    return changed


def _require_hard_links(folder: Path) -> None:
    """UserError where the file system of `folder` makes none, so that no lock could be taken."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        one = Path(made) / "one"
        one.touch()
        try:
            (Path(made) / "two").hardlink_to(one)
        except OSError as error:
            raise UserError(
                f"{folder.resolve()}: this file system makes no hard links ({error.strerror}), and "
                "--hardlink-lock needs them: move the checkout, or leave the option away."
            ) from None


def _folder(cache: Path, group: str | None) -> list[str]:
    try:
        made = not cache.is_dir()
        cache.mkdir(parents=True, exist_ok=True)
        if group is not None and cache.group() != group:
            shutil.chown(cache, group=group)
            made = True
        # new files take the folder's group; nobody else gets in
        if made and cache.stat().st_uid == os.getuid():
            cache.chmod(0o2770)
    except LookupError:
        raise UserError(f"There is no group '{group}' here: `groups` lists yours.") from None
    except OSError as error:
        raise UserError(
            f"{cache} cannot be the cache ({error.strerror}): name a folder that you may write to."
        ) from None
    return [f"{cache}: open to its group, and to nobody else"] if made else []


def _setting(name: str) -> str | None:
    section, option = name.split(".")
    config = configparser.ConfigParser(interpolation=None)
    config.read(LOCAL, encoding="utf-8")
    value = config.get(section, option, fallback=None)
    return value and value.strip('"')


def _dvc(*arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(f"dvc {' '.join(arguments)}: {' '.join(done.stderr.split())}")
