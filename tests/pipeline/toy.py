"""A small pipeline of DVC's own, whose stages fail as ours do, and take no time."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

STAGE = """
import errno, os, sys
from pathlib import Path
from synthfr.errors import UserError
from synthfr.pipeline.command import StageApp

app = StageApp("toy")

@app.command()
def main(outs: list[Path]) -> None:
    word = Path("input.txt").read_text().strip()
    for number, out in enumerate(outs):
        if word == "bad" or (word == "half" and number == 1):
            raise UserError("input.txt is bad: mend it.")
        if word == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/a.txt")
        if word == "bug":
            raise RuntimeError("a bug")
        place = out if out.suffix else out / "inside.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{out} of {word}")

app()
"""

DVC_YAML = """
stages:
  tables:
    cmd: python toy.py data/a.txt data/private/b.txt models/c metrics/tables.json
    deps: [toy.py, input.txt]
    outs:
      - data/a.txt
      - data/private/b.txt: {push: false}
      - models/c
    metrics: [metrics/tables.json]
  each:
    foreach: [x, y]
    do:
      cmd: python toy.py data/${item}.txt
      deps: [toy.py, input.txt]
      outs:
        - data/${item}.txt
  figures:
    cmd: python toy.py metrics/figures.json
    deps: [toy.py, input.txt]
    metrics: [metrics/figures.json]
"""


class Toy:
    """A git and DVC repository with the toy at its root and in the recipe `other`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.env = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
        for folder in (root, root / "recipes/other"):
            folder.mkdir(parents=True)
            (folder / "toy.py").write_text(STAGE)
            (folder / "dvc.yaml").write_text(DVC_YAML)
            (folder / "params.yaml").write_text("{}\n")
            (folder / "input.txt").write_text("good\n")
        self.run("git init -q")
        self.run("dvc init -q")
        self.run("dvc config core.analytics false")

    def run(self, command: str, folder: str = "") -> subprocess.CompletedProcess[str]:
        """In a folder of the repository; stdout and stderr together, as a person sees them."""
        return subprocess.run(
            shlex.split(command),
            cwd=self.root / folder,
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def give(self, word: str, folder: str = "") -> None:
        (self.root / folder / "input.txt").write_text(f"{word}\n")

    def put_back(self, made: dict[str, str]) -> None:
        """The state that `made` told."""
        for path in self.made():
            (self.root / path).unlink()
        for path, text in made.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)

    def made(self) -> dict[str, str]:
        """Contents of everything that stages made."""
        return {
            str(file.relative_to(self.root)): file.read_text()
            for file in sorted(self.root.rglob("*.*"))
            if {"data", "models", "metrics"} & {*file.parts}
            and file.suffix in {".txt", ".json"}
            and ".dvc" not in file.parts
        }


def hinted(output: str) -> list[str]:
    """The commands that the toy's own lines name, DVC's apart."""
    lines = [line for line in output.splitlines() if line.startswith(("toy: ", "synth-fr: "))]
    return re.findall(r"`(dvc [^`]*)`", "\n".join(lines))
