"""Where private reports may lie, and who can read what is made of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.corpora import Seed
from synthfr.disk import atomic_path, read_yaml, write_text
from synthfr.errors import UserError
from synthfr.pipeline import private_files

ROOT = Path(__file__).parents[1]
PRIVATE = Path("data/private")


def seed(path: Path | str | None, source: str = "files") -> Seed:
    section = read_yaml(ROOT / "params.yaml")["seed"]
    section["files"]["private"]["path"] = path if path is None else str(path)
    return Seed.model_validate(section | {"source": source})


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "checkout"
    (root / ".git").mkdir(parents=True)
    (root / "data/private/raw").mkdir(parents=True)
    monkeypatch.chdir(root)
    return root


def refused(path: Path | str) -> str:
    with pytest.raises(UserError) as caught:
        private_files.refuse_exposed(seed(path), PRIVATE)
    return str(caught.value)


class TestPlace:
    def test_in_the_checkout_but_outside_the_private_folder(self, checkout: Path) -> None:
        told = refused("reports.csv")
        assert "seed.files.private.path: reports.csv lies in this checkout but outside" in told
        assert "move it to data/private/raw, or out of the checkout" in told
        for path in (
            *(checkout / "reports.csv", "data/private/../reports.csv", "data/privates/a.csv"),
            *("data/public/raw/a.csv", "."),
        ):
            assert "outside data/private" in refused(path)

    def test_the_private_folder_and_outside_the_checkout(self, checkout: Path) -> None:
        outside = checkout.parent / "hospital"
        outside.mkdir()
        for path in (
            *("data/private/raw", "data/private/raw/a.csv", checkout / "data/private/a.csv"),
            *(outside / "a.csv", "../hospital/a.csv", checkout.parent / "checkout2/a.csv"),
        ):
            private_files.refuse_exposed(seed(path), PRIVATE)

    def test_links_are_followed(self, checkout: Path) -> None:
        (checkout.parent / "outside.csv").touch()
        (checkout / "inside.csv").touch()
        (checkout / "out.csv").symlink_to(checkout.parent / "outside.csv")
        private_files.refuse_exposed(seed("out.csv"), PRIVATE)  # git would take the link alone
        (checkout / "data/private/raw/in.csv").symlink_to(checkout / "inside.csv")
        refused("data/private/raw/in.csv")
        (checkout.parent / "around.csv").symlink_to(checkout / "inside.csv")
        refused("../around.csv")
        (checkout / "loop.csv").symlink_to("loop.csv")
        refused("loop.csv")

    def test_a_private_folder_that_is_a_link_into_the_checkout(self, checkout: Path) -> None:
        (checkout / "data/private/raw").rmdir()
        (checkout / "data/private").rmdir()
        (checkout / "store").mkdir()
        (checkout / "data/private").symlink_to(checkout / "store")
        refused("data/private/a.csv")

    def test_in_a_folder_of_the_checkout(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A recipe has a private side of its own; what is above it is the same checkout."""
        recipe = checkout / "recipes/one"
        recipe.mkdir(parents=True)
        monkeypatch.chdir(recipe)
        private_files.refuse_exposed(seed("data/private/raw/a.csv"), PRIVATE)
        private_files.refuse_exposed(seed("../../data/private/raw/a.csv"), PRIVATE)  # the root's
        refused("../a.csv")
        refused("../two/data/private/raw/a.csv")  # another recipe's is none of its own

    def test_without_git_the_folder_itself_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        refused("a.csv")
        private_files.refuse_exposed(seed("../a.csv"), PRIVATE)

    def test_what_is_not_read_does_not_count(self, checkout: Path) -> None:
        private_files.refuse_exposed(seed("a.csv", source="demo"), PRIVATE)
        private_files.refuse_exposed(seed(None), PRIVATE)  # told where the file is read


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


class TestModes:
    @pytest.fixture(autouse=True)
    def umask(self) -> Iterator[None]:
        before = os.umask(0o022)
        yield
        os.umask(before)

    def test_a_private_file_is_closed_from_its_first_byte_on(self, tmp_path: Path) -> None:
        path = tmp_path / "made" / "a.txt"
        with atomic_path(path, private=True) as partial:
            assert mode(partial) == 0o600
            partial.write_text("text")
        assert mode(path) == 0o600
        assert mode(path.parent) == 0o700
        write_text(tmp_path / "open" / "b.txt", "text")  # negative control
        assert (mode(tmp_path / "open"), mode(tmp_path / "open/b.txt")) == (0o755, 0o644)

    def test_a_private_file_takes_the_place_of_an_open_one(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        write_text(path, "old")
        (tmp_path / ".a.partial.txt").touch(mode=0o666)  # of a run that was killed
        write_text(path, "new", private=True)
        assert (path.read_text(), mode(path)) == ("new", 0o600)

    def test_files_are_closed_but_no_link_into_the_cache(self, tmp_path: Path) -> None:
        names = ("own.parquet", "review/dpo1/index.html", "rounds/dpo1/scores.parquet", "raw/a.csv")
        open_ones = ("hard.parquet", "README.md", "review/.gitignore")
        folder = tmp_path / "private"
        for name in (*names, *open_ones):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch(mode=0o644)
        cache = tmp_path / "cache"
        cache.mkdir()
        os.link(folder / "hard.parquet", cache / "1")
        (cache / "2").touch(mode=0o644)
        (folder / "soft.parquet").symlink_to(cache / "2")
        private_files.close(folder)
        assert {mode(folder / name) for name in names} == {0o600}
        assert {mode(folder / name) for name in open_ones} == {0o644}
        assert mode(cache / "2") == 0o644
        private_files.close(tmp_path / "not there")

    def test_what_others_can_read_is_found(self, tmp_path: Path) -> None:
        folder = tmp_path / "private"
        (folder / "raw").mkdir(parents=True)
        for name in (
            "README.md",
            "raw/.gitignore",
            "raw/own.csv",
            "train.parquet",
            "keyed.parquet",
        ):
            (folder / name).touch(mode=0o644)
        (folder / "keyed.parquet").chmod(0o600)
        found = {path.name for path in private_files.open_to_others(folder)}
        assert found == {"own.csv", "train.parquet"}
        folder.chmod(0o700)  # then nobody comes near
        assert list(private_files.open_to_others(folder)) == []
        assert list(private_files.open_to_others(tmp_path / "not there")) == []
