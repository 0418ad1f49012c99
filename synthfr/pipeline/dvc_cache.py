"""DVC's cache, read without DVC: where it lies, and what it holds."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

from synthfr.disk import read_json, read_yaml
from synthfr.pipeline import layout

LOCK = Path("dvc.lock")


def config() -> configparser.ConfigParser:
    """The checkout's own settings of DVC."""
    found = configparser.ConfigParser()
    of_checkout = layout.checkout() / ".dvc"
    found.read([of_checkout / "config", of_checkout / "config.local"], encoding="utf-8")
    return found


def folder() -> Path:
    """Of the cache that the checkout uses; other checkouts may use it too."""
    return layout.checkout() / ".dvc" / config().get("cache", "dir", fallback="cache")


def holds(md5: str) -> bool:
    """Whether the cache has a file, or a folder (``....dir``) with all that is in it."""
    entry = folder() / "files/md5" / md5[:2] / md5[2:]
    if not entry.is_file():
        return False
    return not md5.endswith(".dir") or all(holds(one["md5"]) for one in read_json(entry))


def locked_outs(recipe: Path) -> dict[str, dict[str, str]]:
    """What a recipe's dvc.lock says that each stage made when it last ran well: the MD5 by path, by
    the stage's name.
    """
    lock = recipe / LOCK
    entries: dict[str, Any] = (read_yaml(lock) or {}).get("stages", {}) if lock.is_file() else {}
    return {
        name: {out["path"]: out.get("md5", "") for out in entry.get("outs", [])}
        for name, entry in entries.items()
    }
