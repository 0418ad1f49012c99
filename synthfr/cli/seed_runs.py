"""``synth-fr seeds``: the whole loop once per seed, in clones of this checkout, and the table.

A clone holds what is committed here and shares this checkout's DVC cache, so that what already ran
here, or in a call that was stopped, is not run again.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from synthfr.errors import UserError
from synthfr.files import write_json
from synthfr.params import load_params
from synthfr.report import over_seeds
from synthfr.report.results import load

RECORD = Path("docs/seeds.json")
CLONES = Path(".scratch/seeds")


def run(seeds: Sequence[int]) -> None:
    """Repro every seed, write ``docs/seeds.json``, print its table."""
    steps = load_params().steps
    if len(set(seeds)) < len(seeds):
        raise UserError("seeds: one is named twice: name each once.")
    if _git("status", "--porcelain", "--untracked-files=no"):
        typer.echo("Note: the clones hold what is committed, not the changes of this checkout.")
    clones = {seed: _clone(seed) for seed in seeds}
    for seed, clone in clones.items():
        typer.echo(f"seed {seed}: dvc repro in {clone}")
        done = subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=clone, env=_env(clone))
        if done.returncode != 0:
            raise UserError(
                f"seed {seed}: dvc repro ended with {done.returncode}, see above; mend it and "
                "start again: what is done is kept."
            )
    found = [load(clone / "metrics", steps) for clone in clones.values()]
    write_json(
        RECORD,
        {
            "seeds": list(seeds),
            "steps": list(steps),
            "commit": _git("rev-parse", "--short", "HEAD"),
            "machine": f"{os.cpu_count()} CPU cores, Python {platform.python_version()}",
            "metrics": over_seeds.collect(found),
        },
    )
    show()


def show() -> None:
    """Print the headline and the tables of ``docs/seeds.json``."""
    from synthfr.cli import tables

    tables.show_seeds()


def _clone(seed: int) -> Path:
    folder = CLONES / f"seed-{seed}"
    if not folder.is_dir():
        subprocess.run(["git", "clone", "--quiet", ".", str(folder)], check=True)
        cache = str(Path(".dvc/cache").resolve())
        shared = [sys.executable, "-m", "dvc", "cache", "dir", "--local", cache]
        subprocess.run(shared, cwd=folder, check=True)
    else:
        subprocess.run(
            ["git", "pull", "--quiet", "--rebase", "--autostash"], cwd=folder, check=True
        )
    params = folder / "params.yaml"
    text, n = re.subn(r"(?m)^random_seed: \d+", f"random_seed: {seed}", params.read_text("utf-8"))
    if n != 1:
        raise UserError("params.yaml: no line 'random_seed: …' to set: write it on its own line.")
    params.write_text(text, encoding="utf-8")
    return folder


def _env(clone: Path) -> dict[str, str]:
    """The clone's own code, this environment's interpreter, its own tracking store."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = os.environ | {"PATH": path, "PYTHONPATH": str(clone.resolve())}
    env.pop("MLFLOW_TRACKING_URI", None)
    return env


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()
