"""Clones of this checkout in which the pipeline runs with other parameters: ``synth-fr seeds`` and
``synth-fr controls``.

A clone holds what is committed here and shares this checkout's DVC cache, so that what already ran
here, in another clone, or in a call that was stopped is not run again. Files of the user's own that
the parameters name and git does not have are links to those here: no private text is copied.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from synthfr.dp import ledger
from synthfr.errors import UserError
from synthfr.pipeline import inputs, layout, profiles

CLONES = Path(".scratch/seeds")


@dataclass(frozen=True)
class Job:
    """A clone, what is laid over its parameters, and what is to be made in it."""

    name: str  # of its folder
    overlay: Mapping[str, Any]  # as a profile's
    targets: tuple[str, ...] = ()  # of ``dvc repro``; none: everything
    has_secret: bool = False  # a hospital of its own, for scores with noise

    @property
    def folder(self) -> Path:
        return CLONES / self.name

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics"


def name_of(seed: int, control: str | None = None) -> str:
    """Of the clone of the loop with a seed, or of a control of it."""
    return f"seed-{seed}" if control is None else f"seed-{seed}-{control}"


def commit() -> str:
    """Of this checkout: what clones are made of."""
    return git("rev-parse", "--short", "HEAD")


def reproduce(jobs: Sequence[Job], side_by_side: int = 1) -> None:
    """Bring the clones up to date with this checkout's commit and run ``dvc repro`` in each.

    At most `side_by_side` run at once; several write into logs beside their clones. All use
    ``runtime.threads`` as committed: another number of threads trains other weights (roundings).
    UserError, before anything runs, when an overlay is not valid; after the first clone that fails
    no other is started.
    """
    # the record in docs/ was written by the last call
    if git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs"):
        typer.echo("Note: the clones hold what is committed, not the changes of this checkout.")
    for job in jobs:
        _prepare(job)
    with ThreadPoolExecutor(side_by_side) as pool:
        running = {pool.submit(_run, job, side_by_side > 1): job for job in jobs}
        try:
            for done in as_completed(running):
                _check(running[done], done.result(), side_by_side > 1)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _prepare(job: Job) -> None:
    """The clone at this checkout's commit, with its parameters; what it was doing it goes on with
    if the commit is still the same.
    """
    folder = job.folder
    if not folder.is_dir():
        git("clone", "--quiet", ".", str(folder))
        cache = _dvc(Path(), "cache", "dir")
        _dvc(folder, "cache", "dir", "--local", str(Path(cache).resolve()))
    elif git("rev-parse", "HEAD", folder=folder) != git("rev-parse", "HEAD"):
        git("fetch", "--quiet", str(Path.cwd()), "HEAD", folder=folder)
        git("reset", "--quiet", "--hard", "FETCH_HEAD", folder=folder)
    git("checkout", "--quiet", "--", "params.yaml", folder=folder)
    profiles.lay(folder / "params.yaml", job.overlay)
    _link_inputs(folder)
    if job.has_secret and not (folder / layout.SECRET).exists():
        ledger.begin(folder / layout.SECRET)


def _link_inputs(folder: Path) -> None:
    """Give the clone what its parameters name below this checkout and it does not have."""
    for named in inputs.named_paths(folder):
        if named.is_absolute():
            continue
        if ".." in named.parts:
            raise UserError(
                f"params.yaml names {named}, which leads out of the checkout, and its clones lie "
                "elsewhere: write the whole path."
            )
        if (folder / named).is_symlink():
            (folder / named).unlink()
        for old in list((folder / named).rglob("*")):  # does not follow links
            if old.is_symlink():  # what it led to may be gone
                old.unlink()
        for path in (named, *named.rglob("*")):
            link = folder / path
            if path.is_dir() and not path.is_symlink():
                link.mkdir(parents=True, exist_ok=True)
            elif path.exists() and not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())


def _run(job: Job, logged: bool) -> int:
    """Exit status of ``dvc repro``."""
    command = [sys.executable, "-m", "dvc", "repro", *job.targets]
    told = f"{job.name}: dvc {' '.join(command[3:])} in {job.folder}"
    if not logged:
        typer.echo(told)
        return subprocess.run(command, cwd=job.folder, env=_env(job.folder)).returncode
    typer.echo(f"{told}, log: {_log(job)}")
    with _log(job).open("w", encoding="utf-8") as log:
        return subprocess.run(
            command, cwd=job.folder, env=_env(job.folder), stdout=log, stderr=log
        ).returncode


def _check(job: Job, status: int, logged: bool) -> None:
    if status != 0:
        where = str(_log(job)) if logged else "above"
        raise UserError(
            f"{job.name}: dvc repro ended with {status}, see {where}; mend it and start again: "
            "what is done is kept."
        )
    if logged:
        typer.echo(f"{job.name}: done")


def _log(job: Job) -> Path:
    return CLONES / f"{job.name}.log"


def _env(folder: Path) -> dict[str, str]:
    """The clone's own code, this environment's interpreter, its own tracking store."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = os.environ | {"PATH": path, "PYTHONPATH": str(folder.resolve())}
    env.pop("MLFLOW_TRACKING_URI", None)
    return env


def git(*arguments: str, folder: Path | None = None) -> str:
    """What git says, in `folder` or here; its own complaint, such as an unknown commit, is a
    UserError.
    """
    return _last_lines(["git", *arguments], folder)


def _dvc(folder: Path, *arguments: str) -> str:
    return _last_lines([sys.executable, "-m", "dvc", *arguments], folder)


def _last_lines(command: Sequence[str], folder: Path | None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        raise UserError(f"{' '.join(command[:2])} in {folder or Path.cwd()}: {last}")
    return done.stdout.strip()
