"""The ways in that are not Python: make, the batch script, CI."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_lists_its_targets() -> None:
    listed = run(ROOT, "make").stdout
    for target in (
        "repro",
        "repro-seeds",
        "controls",
        "test",
        "lint",
        "ui",
        "bench",
        "gpu-check",
        "install",
    ):
        assert f"{target} " in listed


def test_parameters_are_checked_before_dvc_reads_them() -> None:
    planned = run(ROOT, "make", "-n", "repro").stdout
    assert planned.index("synth-fr check") < planned.index("dvc repro")


def test_an_old_python_is_told_before_anything_is_made(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "requirements.in", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")  # how the version check answers there
    old.chmod(0o755)
    done = run(tmp_path, "make", "install", f"PYTHON={old}")
    assert done.returncode != 0
    assert "is older than 3.11" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_what_the_readme_names() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test" in script
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci/run", os.X_OK)
