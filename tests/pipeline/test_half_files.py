"""What a killed DVC, or one whose disk is full, leaves half-written: named, and cleared when nobody
writes it any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from synthfr.pipeline import half_files
from synthfr.pipeline.cli import app
from tests.pipeline.toy import Toy
from tests.small_disk import small_disk

pytestmark = pytest.mark.pipeline
OLD_S = 2 * half_files._SETTLED_S


def found(toy: Toy) -> list[Path]:
    return sorted(path for path in toy.root.rglob(".*.tmp") if ".git" not in path.parts)


def age(files: list[Path], seconds: float) -> None:
    then = time.time() - seconds
    for file in files:
        os.utime(file, (then, then))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy(tmp_path / "checkout")
    monkeypatch.chdir(made.root)
    return made


def killed(toy: Toy, command: str) -> list[Path]:
    """Kill a DVC command, in the middle of its first copy of a large file."""
    with subprocess.Popen(
        ["dvc", *command.split()],
        cwd=toy.root,
        env=toy.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while not any(file.stat().st_size for file in found(toy)):
            assert process.poll() is None and time.monotonic() < deadline, "nothing to kill"
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        assert half_files.left()[0] == []  # the control: what is being written is left alone
        age(found(toy), 3 * half_files._ABANDONED_S)
        assert half_files.left()[0] == []  # however long it stands still
        process.send_signal(signal.SIGKILL)
    return found(toy)


@pytest.fixture
def large(toy: Toy) -> Path:
    file = toy.root / "large.bin"
    with file.open("wb") as out:
        for _ in range(300):
            out.write(os.urandom(1 << 20))
    return file


@pytest.mark.long
def test_a_killed_dvc_leaves_what_doctor_clears(toy: Toy, large: Path) -> None:
    left = killed(toy, "add large.bin")
    assert len(left) == 1
    age(left, 1)
    assert half_files.left() == ([], left)  # it was written a moment ago
    [young] = half_files.findings()
    assert "1 files that DVC may still be writing" in young.text
    age(left, OLD_S)
    # rwlock names the killed one, and one on another machine would look the same
    assert half_files.left() == ([], left)
    assert toy.run("dvc status").returncode == 0  # DVC forgets who is dead
    toy.run("dvc add large.bin")
    assert found(toy) == left  # DVC itself leaves it for ever
    [old] = half_files.findings()
    assert "1 files that DVC left half-written take" in old.text
    assert "synth-fr doctor --clear" in old.text
    answer = CliRunner().invoke(app, ["doctor", "--clear"]).output
    assert "Removed 1 files that DVC had left half-written" in answer
    assert "half-written take" not in answer
    assert found(toy) == []
    assert toy.run("dvc status large.bin.dvc").stdout.startswith("Data and pipelines are up")
    assert "Removed 0 files" in CliRunner().invoke(app, ["doctor", "--clear"]).output


def test_a_full_disk_leaves_such_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "disk", 6 << 10) as disk:
        toy = Toy(disk / "checkout")
        monkeypatch.chdir(toy.root)
        (toy.root / "large.bin").write_bytes(os.urandom(4 << 20))
        for _ in range(2):
            assert "No space left" in toy.run("dvc add large.bin").stdout
        left = found(toy)
        assert len(left) > 1  # more at each try
        age(left, OLD_S)
        assert half_files.left() == (left, [])
        assert "MiB" in half_files.clear()
        assert found(toy) == []
        monkeypatch.chdir(tmp_path)


@pytest.fixture
def places(toy: Toy) -> Iterator[dict[str, Path]]:
    """A half file in every place, all old enough, and files that are none."""
    name = ".btmN9a3IlgKLty5VFx__Bw.tmp"
    folders = (".dvc/cache/files/md5", ".dvc/cache/files/md5/ab", ".dvc/cache/runs/ab/abcd")
    folders += ("data/private", "recipes/other/data")
    for folder in (toy.root, toy.root / "recipes/other"):
        (folder / "dvc.lock").write_text(
            "schema: '2.0'\nstages: {tables: {cmd: x, outs: [{path: data/private/b.txt, md5: ab}, "
            "{path: data/a.txt, md5: cd}]}}\n"
        )
    made = {folder: toy.root / folder / name for folder in folders}
    made["of the user"] = toy.root / "data/.my notes.tmp"
    made["no out of DVC's"] = toy.root / "docs" / name
    for file in made.values():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("half")
    age(list(made.values()), OLD_S)
    yield made


def test_all_places_are_looked_at_and_no_other_file(places: dict[str, Path]) -> None:
    spared = {"of the user", "no out of DVC's"}
    stale, young = half_files.left()
    assert set(stale) == {file for place, file in places.items() if place not in spared}
    assert young == []
    half_files.clear()
    assert {place for place, file in places.items() if file.exists()} == spared


def test_what_another_process_has_open_stays(places: dict[str, Path]) -> None:
    with places["data/private"].open("a"):
        assert half_files.left()[1] == [places["data/private"]]
    assert half_files.left()[1] == []  # the control


def test_a_cache_that_others_use_is_given_an_hour(
    places: dict[str, Path], toy: Toy, tmp_path: Path
) -> None:
    (toy.root / ".dvc/cache").rename(tmp_path / "shared")
    toy.run(f"dvc cache dir --local {tmp_path / 'shared'}")
    stale, young = half_files.left()
    assert stale == [] and len(young) == 5
    age(young, 2 * half_files._ABANDONED_S)
    assert half_files.left() == (young, [])
