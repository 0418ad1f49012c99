"""A throw-away checkout of the project in which a test runs the real pipeline."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Workspace:
    """A git repository with its own DVC cache, driven through the real command lines."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = os.environ | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(root),  # the copy's own code, not the installed checkout
            "OMP_NUM_THREADS": "1",
        }
        self.env.pop("MLFLOW_TRACKING_URI", None)

    @classmethod
    def copy(cls, target: Path) -> Workspace:
        """The tracked and the not ignored files of this checkout but the tests, as one commit."""
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file() and not name.startswith("tests/"):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target / name)
        made = cls(target)
        (target / "dvc.lock").unlink(missing_ok=True)
        made.git("init", "-q")
        made.commit("a copy for a test")
        return made

    def clone(self, target: Path) -> Workspace:
        """A plain ``git clone`` of what is committed, as a colleague would get it."""
        subprocess.run(["git", "clone", "-q", str(self.root), str(target)], check=True)
        return Workspace(target)

    def git(self, *arguments: str) -> str:
        identity = [
            "-c",
            "user.name=test",
            "-c",
            "user.email=test@localhost",
            "-c",
            "core.hooksPath=/dev/null",
        ]
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def run(
        self, *command: str, check: bool = True, timeout_s: float = 1200, folder: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in the workspace, or in a folder of it; its output is kept in ``run.log``
        at the root.
        """
        done = subprocess.run(
            command,
            cwd=self.root / folder,
            env=self.env,
            text=True,
            timeout=timeout_s,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        with (self.root / "run.log").open("a") as log:
            log.write(f"$ {' '.join(command)}\n{done.stdout}\n")
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}"
            )
        return done

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Starts a command as a process group of its own, to be killed as a whole."""
        with (self.root / "run.log").open("a") as log:
            return subprocess.Popen(
                command, cwd=self.root, env=self.env, start_new_session=True, stdout=log, stderr=log
            )

    def dvc(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("dvc", *arguments, check=check)

    def change_params(self, changes: dict[str, Any], folder: str = "") -> None:
        """Sets dotted keys of params.yaml, the loop's or that in the folder of a recipe."""
        path = self.root / folder / "params.yaml"
        params = yaml.safe_load(path.read_text("utf-8"))
        for dotted, value in changes.items():
            *parents, last = dotted.split(".")
            place = params
            for key in parents:
                place = place[key]
            place[last] = value
        path.write_text(yaml.safe_dump(params, allow_unicode=True, sort_keys=False), "utf-8")

    def outs(self, folder: str = "") -> dict[str, str]:
        """MD5 of every output that the ``dvc.lock`` of the loop, or of a recipe, knows."""
        lock = yaml.safe_load((self.root / folder / "dvc.lock").read_text("utf-8"))
        return {
            out["path"]: out["md5"]
            for stage in lock["stages"].values()
            for out in stage.get("outs", [])
        }
