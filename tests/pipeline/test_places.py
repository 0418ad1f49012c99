"""Which checkout, and so which store of MLflow, a working directory belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthfr.pipeline import layout

TEMPORARY = ".dvc/tmp/exps"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "checkout" / ".dvc").mkdir(parents=True)
    return tmp_path / "checkout"


@pytest.mark.parametrize(
    "below",
    ["", "recipes/teacher", f"{TEMPORARY}/tmpabc", f"{TEMPORARY}/standalone/tmpabc/recipes/x"],
)
def test_the_store_is_the_checkouts(root: Path, below: str) -> None:
    folder = root / below
    folder.mkdir(parents=True, exist_ok=True)
    for workspace in (root / TEMPORARY).glob("**/tmpabc"):
        (workspace / ".dvc").mkdir()  # a clone, which has one of its own
    assert layout.checkout(folder) == root
    assert layout.store_folder(folder) == root / "mlruns"


def test_by_default_that_of_the_current_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert layout.checkout() == root


@pytest.mark.parametrize("below", [".scratch/seeds/3", ".dvc/tmp/other", "tmp/exps/one"])
def test_another_checkout_inside_has_its_own(root: Path, below: str) -> None:
    """Negative control: clones of `synth-fr seeds`, and what only looks like an experiment."""
    (root / below / ".dvc").mkdir(parents=True)
    assert layout.checkout(root / below) == root / below


def test_a_checkout_reached_by_a_link_is_the_same(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert layout.checkout(tmp_path / "link") == root


def test_outside_of_any_checkout_a_folder_is_its_own(tmp_path: Path) -> None:
    assert layout.checkout(tmp_path) == tmp_path
