"""Policies as files: made once, guarded while in use, cleaned up."""

import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from synthfr import models
from synthfr.disk import digest_tree
from synthfr.errors import UserError
from synthfr.models import ModelFiles, policy_files
from synthfr.models.merged import composed_adapter, merged_policy
from tests import tiny


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    base = tiny.base(folder / "base")
    step0 = tiny.adapter(folder / "step0", base, "step0", seed=1)
    tiny.adapter(folder / "dpo1", base, "dpo1", step0, seed=2)
    return folder


@pytest.fixture(scope="module")
def step0(made: Path) -> ModelFiles:
    return policy_files(made / "base", [made / "step0"])


@pytest.fixture(scope="module")
def dpo1(made: Path) -> ModelFiles:
    return policy_files(made / "base", [made / "step0", made / "dpo1"])


def kept(folder: Path) -> list[str]:
    return sorted(path.name.partition("-")[0] for path in folder.iterdir() if path.is_dir())


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = model(torch.arange(2, 40)[None]).logits
    return result


def test_the_files_are_the_merged_policy(dpo1: ModelFiles, tmp_path: Path) -> None:
    expected = models.load(dpo1)
    with merged_policy(dpo1, tmp_path, "float32") as path:
        plain = models.load(ModelFiles("plain", path))
        names = sorted(file.name for file in path.iterdir())
    assert torch.equal(logits(plain.model), logits(expected.model))
    text = "Patient fébrile"
    assert plain.tokenizer(text)["input_ids"] == expected.tokenizer(text)["input_ids"]
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= {
        *names
    }
    assert not any("adapter" in name for name in names)


def test_the_sum_is_cast_not_the_parts(dpo1: ModelFiles, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    name = "model.layers.0.mlp.up_proj.weight"
    whole = models.load(dpo1).model.get_parameter(name).detach()
    with merged_policy(dpo1, tmp_path, "bfloat16") as path:
        stored = load_file(path / "model.safetensors")[name]
    assert stored.dtype == torch.bfloat16
    assert torch.equal(stored, whole.to(torch.bfloat16))


def test_a_policy_is_made_once_and_its_form_counts(
    step0: ModelFiles, dpo1: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with merged_policy(dpo1, tmp_path, "float32") as first:
        before = digest_tree(first)
    with monkeypatch.context() as patch:
        patch.setattr("synthfr.models.merged.load", lambda files: pytest.fail("made again"))
        with merged_policy(dpo1, tmp_path, "float32") as again:
            assert again == first
            assert digest_tree(again) == before
    with (
        merged_policy(dpo1, tmp_path, "float32") as one,
        merged_policy(dpo1, tmp_path, "bfloat16") as two,
        merged_policy(step0, tmp_path, "float32") as three,
        composed_adapter(dpo1, tmp_path) as four,
    ):
        assert len({one, two, three, four}) == 4


def test_an_adapter_trained_again_is_another_policy(made: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(made, tmp_path / "models"))
    files = policy_files(copy / "base", [copy / "step0"])
    with merged_policy(files, tmp_path / "merged", "float32") as first:
        pass
    tiny.adapter(copy / "step0", copy / "base", "step0", seed=9)
    files = policy_files(copy / "base", [copy / "step0"])
    with merged_policy(files, tmp_path / "merged", "float32") as second:
        assert second != first
        expected = logits(models.load(files).model)
        assert torch.equal(logits(models.load(ModelFiles("plain", second)).model), expected)


def test_at_most_one_lies_idle(step0: ModelFiles, dpo1: ModelFiles, tmp_path: Path) -> None:
    with merged_policy(step0, tmp_path, "float32"):
        with merged_policy(dpo1, tmp_path, "float32"):
            assert kept(tmp_path) == ["dpo1", "step0"]  # both in use
        with composed_adapter(dpo1, tmp_path):
            assert kept(tmp_path) == ["dpo1", "step0"]  # the merged dpo1 was idle, and went
    (tmp_path / ".killed.partial").mkdir()
    with merged_policy(dpo1, tmp_path, "bfloat16"):
        assert kept(tmp_path) == ["dpo1"]
    assert kept(tmp_path) == ["dpo1"]
    assert len(list(tmp_path.iterdir())) == 3  # and its lock, and the folder's


def _hold(files: ModelFiles, folder: Path, line: Any) -> None:
    with merged_policy(files, folder, "float32") as path:
        line.send(path.name)
        line.recv()


@pytest.fixture
def holder(step0: ModelFiles, tmp_path: Path) -> Iterator[Any]:
    """Another process that uses the policy of step0."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_hold, args=(step0, tmp_path, theirs))
    process.start()
    ours.recv()
    yield process
    process.kill()
    process.join()


@pytest.mark.slow
def test_what_another_process_uses_stays_until_it_ends(
    holder: Any, step0: ModelFiles, dpo1: ModelFiles, tmp_path: Path
) -> None:
    with merged_policy(dpo1, tmp_path, "float32"):
        assert kept(tmp_path) == ["dpo1", "step0"]
    holder.kill()
    holder.join()
    with merged_policy(dpo1, tmp_path, "bfloat16"):
        assert kept(tmp_path) == ["dpo1"]


def test_without_adapters_nothing_is_copied(made: Path, tmp_path: Path) -> None:
    base = policy_files(made / "base", [])
    with merged_policy(base, tmp_path, "bfloat16") as path:
        assert path == made / "base"
    with composed_adapter(base, tmp_path) as adapter:
        assert adapter is None
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_before_and_after(
    dpo1: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(free: int) -> None:
        usage = shutil._ntuple_diskusage(2**40, 2**40 - free, free)
        monkeypatch.setattr("synthfr.models.merged.shutil.disk_usage", lambda _: usage)

    parameters = models.read_provenance(dpo1.folder)["parameters"]
    full(4 * parameters - 1)
    with (
        pytest.raises(UserError, match=r"weights need 0\.\d\d GiB in .*, 0\.\d\d are free"),
        merged_policy(dpo1, tmp_path, "float32"),
    ):
        pass
    assert kept(tmp_path) == []
    with merged_policy(dpo1, tmp_path, "bfloat16"):  # half of it fits
        pass
    full(4 * parameters)
    with merged_policy(dpo1, tmp_path, "float32"):
        pass


def test_a_policy_that_cannot_be_made_leaves_nothing(made: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(made, tmp_path / "models"))
    file = copy / "step0/adapter_model.safetensors"
    save_file({name: weight[:, :-1].clone() for name, weight in load_file(file).items()}, file)
    broken = policy_files(copy / "base", [copy / "step0"])
    merged = tmp_path / "merged"
    with (
        pytest.raises(UserError, match="step0 does not fit the model"),
        merged_policy(broken, merged, "float32"),
    ):
        pass
    assert kept(merged) == []
