"""The hooks, run by a real git: private files and failed audits are refused, all else passes."""

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


class TestPush:
    """The pre-push hook, against a bare repository and a made-up ``synth-fr``."""

    @pytest.fixture
    def pushing(self, repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        remote = tmp_path_factory.mktemp("remote")
        git(remote, "init", "-q", "--bare")
        git(repo, "remote", "add", "origin", str(remote))
        staged(repo, "a.py")
        assert git(repo, "commit", "-m", "x").returncode == 0
        return repo

    @staticmethod
    def audited(repo: Path, status: int) -> None:
        """A repository with an audit in dvc.lock; programs that leave a trace."""
        (repo / "dvc.lock").write_text("schema: '2.0'\nstages:\n  privacy@dpo1:\n    cmd: x\n")
        programs = repo / ".venv/bin"
        programs.mkdir(parents=True)
        for name, last in (("synth-fr", f"exit {status}"), ("dvc", "")):
            program = programs / name
            program.write_text(f'#!/bin/sh\necho "$0 $*" >> {repo}/asked\n{last}\n')
            program.chmod(0o755)

    def test_a_failed_audit_stops_it(self, pushing: Path) -> None:
        self.audited(pushing, 1)
        assert git(pushing, "push", "origin", "HEAD:main").returncode == 1
        assert "synth-fr gate" in (pushing / "asked").read_text()

    def test_it_goes_where_the_audits_let_it(self, pushing: Path) -> None:
        self.audited(pushing, 0)
        assert git(pushing, "push", "origin", "HEAD:main").returncode == 0
        assert "dvc" not in (pushing / "asked").read_text().replace("dvc.lock", "")

    def test_data_go_with_it_if_asked_for_and_only_then(self, pushing: Path) -> None:
        self.audited(pushing, 0)
        git(pushing, "config", "synth-fr.push-data", "true")
        assert git(pushing, "push", "origin", "HEAD:main").returncode == 0
        assert (pushing / "asked").read_text().endswith("dvc push\n")

    def test_a_failed_audit_stops_the_data_too(self, pushing: Path) -> None:
        self.audited(pushing, 1)
        git(pushing, "config", "synth-fr.push-data", "true")
        assert git(pushing, "push", "origin", "HEAD:main").returncode == 1
        assert "dvc push" not in (pushing / "asked").read_text()

    def test_nothing_audited_asks_for_no_program(self, pushing: Path) -> None:
        assert git(pushing, "push", "origin", "HEAD:main").returncode == 0

    def test_audits_that_nobody_can_read_stop_it(
        self, pushing: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.audited(pushing, 0)
        (pushing / ".venv/bin/synth-fr").unlink()
        monkeypatch.setenv("PATH", "/usr/bin:/bin")
        done = git(pushing, "push", "origin", "HEAD:main")
        assert done.returncode == 1 and "synth-fr is not installed here" in done.stderr
