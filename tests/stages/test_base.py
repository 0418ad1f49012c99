"""The stage ``base`` with a published adapter: what it logs, notes and refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from synthfr.disk import read_json
from synthfr.pipeline import layout
from tests import tiny
from tests.models.test_published import edit, published_adapter
from tests.stages import small_seed

COMMIT = "e" * 40


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_seed.prepare(tmp_path, monkeypatch)
    snapshot = tmp_path / "cache/models--owner--other/snapshots" / COMMIT
    tiny.save_model(tmp_path / "model")
    shutil.copytree(tmp_path / "model", snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    published_adapter(tmp_path / "lora", tmp_path / "model", seed=1)  # says: of Owner/Base
    small_seed.change(
        base={
            "source": "hub",
            "repo_id": "owner/other",
            "revision": COMMIT,
            "adapters": ["lora"],
        }
    )


def test_a_note_of_another_base_and_a_merged_base() -> None:
    result = small_seed.run("base")
    assert result.exit_code == 0, result.output
    assert "base.adapters[0] says that it was trained on Owner/Base, the base is" in result.output
    (merged,) = read_json(layout.BASE / "provenance.json")["adapters"]
    assert (merged["rank"], merged["base_model"]) == (4, "Owner/Base")
    assert (layout.BASE / "adapters/1/adapter_model.safetensors").is_file()


def test_what_cannot_be_merged_is_one_line() -> None:
    edit(Path("lora"), use_dora=True)
    result = small_seed.run("base")
    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert "base: base.adapters[0]: lora is no plain LoRA (it has use_dora)" in result.output
    assert not layout.BASE.exists()
