"""Seconds of each stage's last run, beside the page and not in it: they differ with every run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from synthfr.disk import read_json, write_text
from synthfr.errors import UserError


def read_times(folder: Path) -> dict[str, dict[str, float]]:
    """``{"dpo@dpo2": {"seconds", "peak_memory_mib"}}`` of every stage with a file in `folder`.

    A damaged file is named on stderr and left out: no figure depends on it.
    """
    found = {}
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).with_suffix("").as_posix().replace("/", "@")
        try:
            took = read_json(path)
            found[name] = {key: float(took[key]) for key in ("seconds", "peak_memory_mib")}
        except (UserError, TypeError, KeyError, ValueError):
            told = "holds no times: left out. Remove it; the stage's next run writes it anew."
            print(f"{path} {told}", file=sys.stderr)
    return found


def write_times(folder: Path) -> None:
    """Write ``times.js`` in `folder`: a page opened from disk may load a script, but no JSON."""
    text = json.dumps(read_times(folder), indent=1, sort_keys=True)
    write_text(folder / "times.js", f"window.synthfrTimes = {text};\n")
