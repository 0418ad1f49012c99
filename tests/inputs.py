"""What stages read and no stage makes, as a fresh clone has it, for a checkout of a test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_inputs(root: Path) -> None:
    """Give a checkout at `root` the folders of data and models that git knows, ours and the
    recipes', and links to the code.
    """
    own = ("data/**", "models/**", "recipes/*/data/**", "recipes/*/models/**", "docs/seeds.json")
    listed = subprocess.run(
        ["git", "ls-files", *(f":(glob){one}" for one in own)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    for name in ("stages", "synthfr"):
        (root / name).symlink_to(ROOT / name)
