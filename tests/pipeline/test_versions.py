"""Versions of a step's data set: git tags and names in dvc.yaml, read from another place by DVC's
own commands; and what is said where the remote cannot be seen from here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from synthfr.errors import UserError
from synthfr.pipeline import dvc_remote, layout
from synthfr.pipeline.cli import diagnosis
from synthfr.pipeline.findings import Weight

ROOT = Path(__file__).resolve().parents[2]
STAGE = {
    "synthesize": {
        "foreach": ["dpo1", "dpo2"],
        "do": {
            "cmd": "mkdir -p data/synthetic/${item} && cp input.txt data/synthetic/${item}/a.txt",
            "deps": ["input.txt"],
            "outs": ["data/synthetic/${item}"],
        },
    }
}

Run = Callable[..., str]


def artifacts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))[
        "artifacts"
    ]
    return found


def test_every_step_has_a_name_for_its_reports_and_its_adapter() -> None:
    steps = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))["steps"]
    expected = {f"{step}-reports": layout.synthetic(step) for step in steps}
    expected |= {f"{step}-adapter": layout.adapter(step) for step in steps if step != "base"}
    assert {name: Path(one["path"]) for name, one in artifacts().items()} == expected
    kinds = {name.rpartition("-")[2]: one["type"] for name, one in artifacts().items()}
    assert kinds == {"reports": "dataset", "adapter": "model"}


@pytest.fixture
def run() -> Run:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t",
    }  # fmt: skip

    def run(command: str, folder: Path, *, fails: bool = False) -> str:
        done = subprocess.run(
            command.split(), cwd=folder, env=environment, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    return run


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.pipeline
def test_two_versions_are_listed_and_fetched_from_another_place(tmp_path: Path, run: Run) -> None:
    """As README says it, with the names of our dvc.yaml."""
    repository, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    repository.mkdir()
    elsewhere.mkdir()
    for command in ("git init -q", "dvc init -q", "dvc config core.analytics false"):
        run(command, repository)
    run(f"dvc remote add -d shared {tmp_path / 'shared'}", repository)
    written = {name: one for name, one in artifacts().items() if name == "dpo2-reports"}
    (repository / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGE, "artifacts": written}))
    for number in (1, 2):
        (repository / "input.txt").write_text(f"reports {number}")
        run("dvc repro -q", repository)
        run("git add -A", repository)
        run("git commit -qm made", repository)
        if number == 1:
            run("dvc push -q", repository)
        run(f"gto register dpo2-reports --version v{number}.0.0", repository)

    listed = run(f"gto show -r {repository} dpo2-reports", elsewhere)
    assert "v1.0.0" in listed and "v2.0.0" in listed
    clone = tmp_path / "clone"
    run(f"git clone -q {repository} {clone}", tmp_path)
    fetch = f"dvc artifacts get {clone} dpo2-reports"
    run(f"{fetch} --rev v1.0.0 -o one", elsewhere)
    # negative control: a version that nobody pushed, and one that nobody made
    run(f"{fetch} --rev v2.0.0 -o two", elsewhere, fails=True)
    assert "Unable to find artifact" in run(f"{fetch} --rev v9.0.0 -o nine", elsewhere, fails=True)
    run("dvc push -q", repository)
    run(f"{fetch} --rev v2.0.0 -o two", elsewhere)
    assert [(elsewhere / name / "a.txt").read_text() for name in ("one", "two")] == [
        "reports 1", "reports 2",
    ]  # fmt: skip
    run(f"dvc get {clone} data/synthetic/dpo2 -o latest", elsewhere)
    assert (elsewhere / "latest/a.txt").read_text() == "reports 2"


class TestRemote:
    @pytest.fixture(autouse=True)
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        here = tmp_path / "somewhere/checkout"
        (here / ".dvc").mkdir(parents=True)
        shutil.copy(ROOT / ".dvc/config", here / ".dvc/config")
        monkeypatch.chdir(here)
        return here

    ERROR = UserError("x is missing: make it with `dvc repro` or fetch it with `dvc pull`.")

    def test_a_folder_that_is_not_here_is_named_with_the_remedy(self, tmp_path: Path) -> None:
        place = tmp_path / "somewhere/synth-fr-remote"
        told = dvc_remote.told(self.ERROR)
        assert told.startswith(f"{self.ERROR} But the default remote 'public'")
        assert str(place) in told and "\n" not in told
        assert "`dvc remote modify --local public url PLACE`" in told
        assert dvc_remote.told(UserError("something is wrong.")) == "something is wrong."
        place.mkdir()  # negative control
        assert dvc_remote.told(self.ERROR) == str(self.ERROR)

    def test_a_remote_of_this_machine_alone_goes_before_the_shared_one(
        self, checkout: Path
    ) -> None:
        (checkout / ".dvc/config.local").write_text(
            "['remote \"public\"']\n    url = s3://bucket/%2Fkey\n"
        )
        remote = dvc_remote.default()
        assert remote is not None and remote.url == "s3://bucket/%2Fkey"
        assert remote.folder is None and remote.fault is None

    def test_no_remote_is_told_where_dvc_is_set_up(self, checkout: Path) -> None:
        (checkout / ".dvc/config").write_text("[core]\n    analytics = false\n")
        assert "No default remote" in dvc_remote.told(self.ERROR)
        shutil.rmtree(checkout / ".dvc")
        assert dvc_remote.told(self.ERROR) == str(self.ERROR)

    def test_doctor_says_so(self, tmp_path: Path) -> None:
        findings = list(diagnosis.versions())
        assert any("other machines and clones elsewhere" in one.text for one in findings)
        notes = [one.text for one in findings if one.weight == Weight.NOTE]
        assert any("there is nothing to pull" in text for text in notes)
        (tmp_path / "somewhere/synth-fr-remote").mkdir()  # negative control
        assert not any("nothing to pull" in one.text for one in diagnosis.versions())

    def test_a_command_and_a_stage_say_so_in_their_error(self, checkout: Path) -> None:
        shutil.copy(ROOT / "params.yaml", checkout / "params.yaml")
        (checkout / "dvc.yaml").write_text("stages: {}\n")
        code = "from synthfr.pipeline.cli import app; app()"
        commands = (
            ["-c", code, "sample", "--step", "step0", "--keywords", "toux"],
            ["-m", "stages.judge", "dpo1"],
        )
        for arguments in commands:
            done = subprocess.run(
                [sys.executable, *arguments], env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            error = done.stderr.strip().splitlines()[-1]
            assert done.returncode == 1 and "`dvc pull" in error
            assert "default remote 'public'" in error and "Traceback" not in done.stderr
