"""Seconds of each stage's last run, beside the page and not in it: they differ with every run."""

from __future__ import annotations

import json
from pathlib import Path

from synthfr.files import write_text


def read_times(folder: Path) -> dict[str, dict[str, float]]:
    """``{"dpo@dpo2": {"seconds", "peak_memory_mib"}}`` of every stage with a file in `folder`."""
    found = {}
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).with_suffix("").as_posix().replace("/", "@")
        found[name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_times(folder: Path) -> None:
    """Write ``times.js`` in `folder`: a page opened from disk may load a script, but no JSON."""
    text = json.dumps(read_times(folder), indent=1, sort_keys=True)
    write_text(folder / "times.js", f"window.synthfrTimes = {text};\n")
