"""What stages read and nobody makes is asked for before DVC asks, and removes outputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthfr.errors import UserError
from synthfr.pipeline import inputs
from synthfr.pipeline.recipe import recipes
from tests.inputs import copy_inputs

ROOT = Path(__file__).parents[1]


class Checkout:
    """The real dvc.yaml and params.yaml of all recipes, with all that git has beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        copy_inputs(root)
        for one in recipes(ROOT):
            for name in ("dvc.yaml", "params.yaml"):
                shutil.copy(one.folder / name, root / one.folder.relative_to(ROOT) / name)
        (root / ".dvc").mkdir()
        shutil.copy(ROOT / ".dvc/config", root / ".dvc/config")
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)

    def change(self, dotted: str, value: Any, folder: str = "") -> None:
        path = self.root / folder / "params.yaml"
        params = yaml.safe_load(path.read_text("utf-8"))
        *parents, last = dotted.split(".")
        place = params
        for key in parents:
            place = place[key]
        place[last] = value
        path.write_text(yaml.safe_dump(params, allow_unicode=True, sort_keys=False), "utf-8")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    made = Checkout(tmp_path / "checkout")
    monkeypatch.chdir(made.root)
    return made


def problem(folder: str = "") -> str:
    [told] = inputs.problems(Path(folder))
    with pytest.raises(UserError) as caught:
        inputs.refuse_missing(Path(folder))
    assert str(caught.value) == told
    return told


@pytest.mark.parametrize("folder", [one.folder.relative_to(ROOT) for one in recipes(ROOT)], ids=str)
def test_a_fresh_clone_lacks_nothing(checkout: Checkout, folder: Path) -> None:
    """Negative control; a recipe may also read what another one makes."""
    assert list(inputs.problems(folder)) == []


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("data/private/raw/stays.csv", "correct the path in params.yaml, or put the file there"),
        ("data/private/rwa/stays.csv", "(of its folders data/private is there)"),
        ("/nowhere/stays.csv", "(of its folders / is there)"),
        ("~/stays.csv", "write the whole path in params.yaml (~ is not read as your home there)"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_sentence(
    checkout: Checkout, path: str, remedy: str
) -> None:
    checkout.change("seed.files.private.path", path)
    told = problem()
    assert told.startswith(
        f"seed.files.private.path names {path}, which is not there, and stage seed reads it: "
    )
    assert remedy in told
    place = Path(path) if not path.startswith("~") else checkout.root / path
    if not path.startswith("/"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
        assert list(inputs.problems()) == []


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_an_empty_path_is_one_sentence(checkout: Checkout, nothing: str | None) -> None:
    checkout.change("seed.files.codes.path", nothing)
    assert problem().startswith("params.yaml: seed.files.codes.path is empty, and DVC wants a path")


def test_what_a_stage_makes_is_no_file_of_the_users_own(checkout: Checkout) -> None:
    """Clones get links to what is named: `models/base` is made in each of them."""
    own = checkout.root / "models/mine"
    own.mkdir(parents=True)
    for setting, value in (("model", "models/mine"), ("watch", "models/mine")):
        checkout.change(f"classify.coder.encoder.{setting}", value)
    named = inputs.named_paths(checkout.root)
    assert Path("models/mine") in named  # the control
    assert Path("models/base") not in named


def test_what_git_has_comes_back_by_git(checkout: Checkout) -> None:
    (checkout.root / "docs/seeds.json").unlink()
    told = problem()
    assert told == (
        "docs/seeds.json is not there, and stage page reads it: `git restore docs/seeds.json` "
        "brings it back."
    )
    subprocess.run(["git", "restore", "docs/seeds.json"], check=True)
    assert list(inputs.problems()) == []


def test_what_dvc_has_comes_back_by_dvc(checkout: Checkout) -> None:
    checkout.change("seed.files.private.path", "data/private/raw/stays")
    (checkout.root / "data/private/raw/stays.dvc").touch()
    assert "`dvc checkout data/private/raw/stays` brings it back, or `dvc pull" in problem()


def test_a_model_and_a_teacher_are_looked_for_too(checkout: Checkout) -> None:
    checkout.change("judge.watch", "models/own-judge")
    assert "judge.watch names models/own-judge, which is not there, and stage judge@" in problem()
    checkout.change("judge.watch", "models/README.md")
    checkout.change("prompt.watch", "own/prompt.txt")
    assert "prompt.watch names own/prompt.txt, which is not there, and stage keywords" in problem()
    checkout.change("prompt.watch", "models/README.md")
    checkout.change("sft.teacher.path", "teacher.csv", "recipes/teacher")
    assert "names recipes/teacher/teacher.csv, which" in problem("recipes/teacher")


def test_doctor_tells_what_its_check_of_own_files_does_not(checkout: Checkout) -> None:
    checkout.change("seed.files.private.path", "stays.csv")
    checkout.change("judge.watch", "models/own-judge")
    assert len(list(inputs.findings())) == 2
    checkout.change("seed.source", "files")
    [told] = inputs.findings()
    assert told.text.startswith("judge.watch names models/own-judge")


def test_only_stages_that_will_run_are_asked_for(checkout: Checkout) -> None:
    checkout.change("seed.files.private.path", "data/private/raw/stays.csv")
    assert list(inputs.problems(only=["sft", "generate@dpo1"])) == []
    assert len(list(inputs.problems(only=["sft", "seed"]))) == 1


@pytest.mark.pipeline
def test_asked_before_dvc_which_removes_what_was_there(checkout: Checkout) -> None:
    """Through the real DVC: what it says, and does, to who has not asked us."""
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    tables = [checkout.root / f"data/{name}.parquet" for name in ("public/seed", "private/train")]
    tables += [
        checkout.root / f"data/{name}.parquet"
        for name in ("public/codes", "private/holdout", "private/canaries")
    ]
    for table in tables:
        table.write_text(table.name)
    (checkout.root / "metrics").mkdir()
    (checkout.root / "metrics/seed.json").write_text("{}")
    assert run("dvc", "commit", "--force", "seed").returncode == 0
    checkout.change("seed.files.private.path", "data/private/raw/stays.csv")
    asked = run("synth-fr", "check")
    assert asked.returncode == 1
    assert asked.stderr == f"synth-fr: {problem()}\n"
    assert "Errno" not in asked.stderr and "dvc checkout" not in asked.stderr
    assert all(table.exists() for table in tables)
    unasked = run("dvc", "repro", "seed")
    assert "[Errno 2] No such file or directory" in unasked.stderr
    assert not any(table.exists() for table in tables)
    told = run("synth-fr", "check").stderr
    assert "stays.csv, which is not there" in told
    assert "`dvc checkout seed` brings them back" in told
    assert run("dvc", "checkout", "seed").returncode == 0
    assert all(table.read_text() == table.name for table in tables)
    checkout.change("seed.files.private.path", "data/private/raw")
    assert run("synth-fr", "check").returncode == 0
