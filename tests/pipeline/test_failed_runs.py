"""A run that fails loses nothing: what the last good one made comes back by the command that the
error names. Through the real DVC, which removes a stage's outputs before it runs it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.pipeline.recipe import recipes
from tests.pipeline.toy import ROOT, Toy, hinted

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """After one good run of everything, committed to git."""
    toy = Toy(tmp_path_factory.mktemp("toy") / "checkout")
    done = toy.run("dvc repro -P")
    assert done.returncode == 0, done.stdout
    toy.run("git add -A")
    toy.run("git -c user.name=t -c user.email=t@localhost commit -q -m ran")
    return toy


@pytest.fixture
def toy(ran: Toy) -> Iterator[Toy]:
    """What a test breaks is put back after it."""
    before = ran.made()
    yield ran
    for folder in ("", "recipes/other"):
        ran.give("good", folder)
    ran.put_back(before)


@pytest.mark.parametrize(
    ("at", "stage", "command"),
    [
        ("", "tables", "dvc checkout tables"),
        ("", "each@y", "dvc checkout each@y"),
        ("", "figures", "dvc checkout figures"),
        ("recipes/other", "tables", "dvc checkout tables"),
        ("", "recipes/other/dvc.yaml:tables", "dvc checkout recipes/other/dvc.yaml:tables"),
        ("recipes/other", "../../dvc.yaml:tables", "dvc checkout ../../dvc.yaml:tables"),
    ],
)
def test_tables_come_back_by_the_command_that_is_named(
    toy: Toy, at: str, stage: str, command: str
) -> None:
    before = toy.made()
    for folder in ("", "recipes/other"):
        toy.give("bad", folder)
    failed = toy.run(f"dvc repro {stage}", at)
    assert "toy: input.txt is bad: mend it." in failed.stdout
    assert toy.made() != before  # the control: DVC has removed them
    assert hinted(failed.stdout) == [command]
    done = toy.run(command, at)
    assert done.returncode == 0, done.stdout
    assert toy.made() == before


def test_what_the_failed_run_wrote_makes_way(toy: Toy) -> None:
    before = toy.made()
    toy.give("half")
    [command] = hinted(toy.run("dvc repro tables").stdout)
    assert command == "dvc checkout --force tables"
    assert toy.made()["data/a.txt"] == "data/a.txt of half"
    assert toy.run("dvc checkout tables").returncode != 0  # the control: not without it
    assert toy.run(command).returncode == 0
    assert toy.made() == before


def test_dvc_has_all_that_our_own_stages_make() -> None:
    for recipe in recipes(ROOT):
        assert "cache: false" not in (recipe.folder / "dvc.yaml").read_text(encoding="utf-8")


def test_also_below_a_traceback_and_on_a_full_disk(toy: Toy) -> None:
    toy.give("bug")
    lines = toy.run("dvc repro tables").stdout.splitlines()
    end = lines.index("RuntimeError: a bug")
    assert lines[end + 1].startswith("toy: the outputs of its last good run are in DVC's cache")
    toy.run("dvc checkout tables")
    toy.give("full")
    told = toy.run("dvc repro tables").stdout
    assert (
        "toy: No space left on the disk" in told and "while writing data/a.txt (data has " in told
    )
    assert "Traceback" not in told
    assert hinted(told) == ["dvc checkout tables"]


def test_what_the_cache_has_lost_is_not_promised(toy: Toy) -> None:
    before = toy.made()
    kept = toy.root / ".dvc/kept"
    (toy.root / ".dvc/cache").rename(kept)
    toy.give("bad")
    try:
        nothing = toy.run("dvc repro tables").stdout
        assert "toy: input.txt is bad" in nothing
        assert hinted(nothing) == []
    finally:
        shutil.rmtree(toy.root / ".dvc/cache", ignore_errors=True)
        kept.rename(toy.root / ".dvc/cache")
    toy.run("dvc checkout tables")
    inside = next(
        file
        for file in (toy.root / ".dvc/cache/files/md5").rglob("*")
        if file.is_file() and file.read_text() == "models/c of good"
    )
    inside.rename(kept)  # of a folder: one file
    try:
        [command] = hinted(toy.run("dvc repro tables").stdout)
    finally:
        kept.rename(inside)
    assert command == "dvc checkout data/a.txt data/private/b.txt metrics/tables.json"
    assert toy.run(command).returncode == 0
    assert toy.made() == {
        path: text for path, text in before.items() if path != "models/c/inside.txt"
    }


def test_where_nothing_is_lost_nothing_is_said(toy: Toy) -> None:
    toy.give("bad")
    by_hand = toy.run("python toy.py data/a.txt")
    assert by_hand.returncode == 1
    assert by_hand.stdout.splitlines() == ["toy: input.txt is bad: mend it."]
    experiment = toy.run("dvc exp run --temp tables")  # its workspace is thrown away
    assert "toy: input.txt is bad" in experiment.stdout
    assert hinted(experiment.stdout) == []
    toy.give("good")
    assert hinted(toy.run("dvc repro --force tables").stdout) == []


def test_a_first_run_promises_nothing_and_a_cache_elsewhere_is_found(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "checkout")
    toy.run(f"dvc cache dir --local {tmp_path / 'cache'}")
    toy.give("half")
    failed = toy.run("dvc repro tables")
    assert "toy: input.txt is bad" in failed.stdout
    assert hinted(failed.stdout) == []
    toy.give("good")
    assert toy.run("dvc repro tables").returncode == 0
    assert not (toy.root / ".dvc/cache/files").exists()
    before = toy.made()
    toy.give("bad")
    [command] = hinted(toy.run("dvc repro tables").stdout)
    assert toy.run(command).returncode == 0
    assert toy.made() == before
