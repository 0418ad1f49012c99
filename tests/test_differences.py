"""Every value that our profile changes of the publication's has a reason, and no reason is left
over.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.pipeline.differences import OURS, PUBLISHED, REASONS, differences

ROOT = Path(__file__).parents[1]
PARAMS = ROOT / "params.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two profiles that differ in three values, and why."""
    (tmp_path / "old.yaml").write_text("sft: {epochs: 3}\nkeywords: {min_chars: 3}\n")
    (tmp_path / "new.yaml").write_text(
        "sft: {epochs: 5}\nkeywords: {min_chars: 3, context: {family: keep, negated: keep}}\n"
    )
    reasons = "sft.epochs: more is better\nkeywords.context: all count\n"
    (tmp_path / "reasons.yml").write_text(reasons)
    return tmp_path


def test_differences_stand_in_the_order_of_the_parameters(folder: Path) -> None:
    found = differences(PARAMS, folder, folder / "reasons.yml", "old", "new")
    assert [(one.key, one.reason) for one in found] == [
        ("keywords.context", "all count"),
        ("sft.epochs", "more is better"),
    ]
    context, epochs = found
    assert context.before == {
        "keywords.context.negated": "skip",
        "keywords.context.family": "skip",
    }
    assert set(context.after.values()) == {"keep"}
    assert (epochs.before, epochs.after) == ({"sft.epochs": 3}, {"sft.epochs": 5})


def test_the_same_value_written_otherwise_is_no_difference(folder: Path) -> None:
    new = folder / "new.yaml"
    new.write_text(new.read_text().replace("epochs: 5", "epochs: 5, learning_rate: 5.0e-4"))
    assert (
        len(differences(PARAMS, folder, folder / "reasons.yml", "old", "new")) == 2
    )  # as params.yaml has it: 0.0005


def test_a_difference_without_a_reason_is_refused(folder: Path) -> None:
    (folder / "old.yaml").write_text("sft: {epochs: 3}\nkeywords: {min_chars: 4}\n")
    with pytest.raises(UserError, match=r"no reason.*") as error:
        differences(PARAMS, folder, folder / "reasons.yml", "old", "new")
    assert "keywords.min_chars" in str(error.value) and "sft.epochs" not in str(error.value)


def test_a_reason_without_a_difference_is_refused(folder: Path) -> None:
    (folder / "old.yaml").write_text("sft: {epochs: 5}\n")
    (folder / "new.yaml").write_text("sft: {epochs: 5}\nkeywords: {context: {family: keep}}\n")
    with pytest.raises(UserError, match=r"reason for sft\.epochs"):
        differences(PARAMS, folder, folder / "reasons.yml", "old", "new")


def test_every_difference_of_the_shipped_profiles_has_its_reason() -> None:
    found = differences(PARAMS, ROOT / "profiles", ROOT / REASONS)
    assert len(found) > 10
    assert all(len(one.reason) > 15 for one in found)


@pytest.mark.parametrize("profile", [PUBLISHED, OURS])
def test_one_changed_value_in_either_shipped_profile_is_found(tmp_path: Path, profile: str) -> None:
    folder = shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    path = folder / f"{profile}.yaml"
    before = path.read_text(encoding="utf-8")
    after = before.replace("weight_decay: 0.01", "weight_decay: 0.02", 1)
    assert after != before
    path.write_text(after, encoding="utf-8")
    with pytest.raises(UserError, match=r"no reason is given.*|differs from published in"):
        differences(PARAMS, folder, ROOT / REASONS)
