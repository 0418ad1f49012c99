"""The pre-commit hook, run by a real git: private files are refused, everything else passes."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def git(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    identity = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t",
        "-c",
        f"core.hooksPath={ROOT / 'hooks'}",
    ]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=repo, capture_output=True, text=True, check=False
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def staged(repo: Path, name: str, content: str = "Madame Canari") -> None:
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    assert git(repo, "add", "--force", name).returncode == 0


@pytest.mark.parametrize(
    "name",
    [
        "data/private/keyed.parquet",
        "data/private/raw/a b.csv",
        "data/private/not-README.md",
        "data/private/README.md.bak",
        "data/private/été.txt",
        "recipes/teacher/data/private/keyed.parquet",
        "recipes/one_to_come/data/private/raw/a b.csv",
    ],
)
def test_private_files_are_refused_by_name_only(repo: Path, name: str) -> None:
    staged(repo, name)
    done = git(repo, "commit", "-m", "x")
    assert done.returncode == 1
    assert "data/private/" in done.stderr
    assert "git restore --staged" in done.stderr
    assert "Canari" not in done.stderr
    assert git(repo, "rev-parse", "HEAD").returncode != 0


@pytest.mark.parametrize(
    "name",
    [
        "data/private/README.md",
        "data/private/raw/README.md",
        "data/private/.gitignore",
        "recipes/teacher/data/private/README.md",
        "recipes/teacher/data/public/codes/README.md",
        "a.py",
    ],
)
def test_other_files_pass(repo: Path, name: str) -> None:
    staged(repo, name)
    assert git(repo, "commit", "-m", "x").returncode == 0


def test_a_private_file_can_be_taken_out_again(repo: Path) -> None:
    staged(repo, "data/private/keyed.parquet")
    assert git(repo, "commit", "--no-verify", "-m", "the mistake").returncode == 0
    assert git(repo, "rm", "-q", "--cached", "data/private/keyed.parquet").returncode == 0
    assert git(repo, "commit", "-m", "mended").returncode == 0
