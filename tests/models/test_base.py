"""What `provide` takes, refuses and records."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from synthfr.disk import read_json, sha256_file, write_json
from synthfr.errors import UserError
from synthfr.models import base
from synthfr.models.base import Base

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def weights(*shapes: tuple[int, ...]) -> bytes:
    """A float32 safetensors file of zeros."""
    header, end = {}, 0
    for number, shape in enumerate(shapes):
        size = 4
        for n in shape:
            size *= n
        header[f"w{number}"] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "config.json").write_text('{"model_type": "qwen3"}')
    (made / "tokenizer.json").write_text("{}")
    (made / "model.safetensors").write_bytes(weights((3, 4), (5,)))
    (made / "README.md").write_text("card")
    return made


def params(source: str = "local", **changed: Any) -> Base:
    given = {"path": None, "repo_id": None, "revision": None, "allow_download": False}
    return Base.model_validate({"source": source} | given | changed)


def local(folder: Path) -> Base:
    return params(path=str(folder))


def test_provenance_tells_where_and_what(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "base"
    made = base.provide(local(folder), out)
    assert read_json(out / "provenance.json") == made == base.read_provenance(out)
    assert (made["source"], made["revision"], made["model_type"]) == ("local", None, "qwen3")
    assert made["parameters"] == 3 * 4 + 5
    assert made["files"]["config.json"] == {
        "bytes": 23,
        "sha256": sha256_file(folder / "config.json"),
    }
    assert str(tmp_path) not in (out / "provenance.json").read_text()


def test_the_digest_is_that_of_the_contents(folder: Path, tmp_path: Path) -> None:
    first = base.provide(local(folder), tmp_path / "a")["digest"]
    assert base.provide(local(folder), tmp_path / "b")["digest"] == first
    (folder / "model.safetensors").write_bytes(weights((3, 4), (6,)))
    assert base.provide(local(folder), tmp_path / "c")["digest"] != first


def test_code_and_pickles_stay_behind(folder: Path, tmp_path: Path) -> None:
    for name in ("modeling_x.py", "pytorch_model.bin", "training_args.pt", "model.onnx"):
        (folder / name).write_text("x")
    base.provide(local(folder), tmp_path / "base")
    assert {file.name for file in (tmp_path / "base").iterdir()} == {
        "config.json", "tokenizer.json", "model.safetensors", "README.md", "provenance.json",
    }  # fmt: skip


def test_sharded_weights_need_every_shard(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-1-of-2.safetensors")
    shards = {"w0": "model-1-of-2.safetensors", "w1": "model-2-of-2.safetensors"}
    write_json(folder / "model.safetensors.index.json", {"weight_map": shards})
    with pytest.raises(UserError, match=r"lacks model-2-of-2\.safetensors: copy or download"):
        base.provide(local(folder), tmp_path / "base")
    (folder / "model-2-of-2.safetensors").write_bytes(weights((7,)))
    assert base.provide(local(folder), tmp_path / "base")["parameters"] == 24


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("config.json", r"no config\.json"),
        ("tokenizer.json", "no tokenizer"),
        ("model.safetensors", r"lacks model\.safetensors: copy or download"),
    ],
)
def test_an_incomplete_folder_is_refused(
    folder: Path, tmp_path: Path, name: str, told: str
) -> None:
    out = tmp_path / "base"
    base.provide(local(folder), out)
    before = (out / "provenance.json").read_bytes()
    (folder / name).unlink()
    with pytest.raises(UserError, match=told):
        base.provide(local(folder), out)
    assert (out / "provenance.json").read_bytes() == before


def test_pickled_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"pickled weights.*convert them to safetensors"):
        base.provide(local(folder), tmp_path / "base")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:30], lambda b: b"", lambda b: b + b"x"]
)
def test_damaged_weights_leave_no_base(folder: Path, tmp_path: Path, damage: Any) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=r"model\.safetensors is no complete safetensors file"):
        base.provide(local(folder), tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"base\.path: .*nowhere is no folder"):
        base.provide(local(tmp_path / "nowhere"), tmp_path / "base")


def test_a_missing_or_damaged_base_is_told(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "base"
    with pytest.raises(UserError, match=r"base is missing .* run `dvc repro base`"):
        base.read_provenance(out)
    base.provide(local(folder), out)
    (out / "model.safetensors").write_bytes(b"short")
    with pytest.raises(UserError, match=r"incomplete: model\.safetensors is missing or cut short"):
        base.read_provenance(out)


def test_the_shipped_base_must_match_its_manifest(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TINY_BASE", folder)
    with pytest.raises(UserError, match=r"has no MANIFEST\.json"):
        base.provide(params("tiny"), tmp_path / "base")
    base.write_manifest(folder)
    made = base.provide(params("tiny"), tmp_path / "base")
    assert (made["source"], made["parameters"]) == ("tiny", 17)
    assert not (tmp_path / "base/MANIFEST.json").exists()
    (folder / "README.md").write_text("another card")
    with pytest.raises(UserError, match=r"README\.md is not what its manifest says"):
        base.provide(params("tiny"), tmp_path / "base")


@pytest.fixture
def cached(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`folder` as a snapshot in a hub cache."""
    cache = tmp_path / "hub"
    snapshot = cache / "models--owner--name" / "snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    folder.rename(snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return snapshot


def test_a_cached_snapshot_is_pinned(cached: Path, tmp_path: Path) -> None:
    made = base.provide(params("hub", repo_id="owner/name", revision=COMMIT), tmp_path / "base")
    assert (made["repo_id"], made["revision"]) == ("owner/name", COMMIT)
    base.read_provenance(tmp_path / "base")


@pytest.mark.parametrize(
    ("repo_id", "revision", "told"),
    [
        ("owner/name", "main", "'main' is no commit"),
        ("owner/name", "f" * 40, "not in the local cache.*synth-fr prefetch"),
        ("owner/other", COMMIT, "not in the local cache"),
        ("not a name", COMMIT, "no hub name"),
    ],
)
@pytest.mark.usefixtures("cached")
def test_nothing_is_downloaded_unasked(
    tmp_path: Path, repo_id: str, revision: str, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        base.provide(params("hub", repo_id=repo_id, revision=revision), tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_the_shipped_base_is_whole_and_small(tmp_path: Path) -> None:
    made = base.provide(params("tiny"), tmp_path / "base")
    assert made["model_type"] == "qwen3"
    weights_files = [name for name in made["files"] if name.endswith(".safetensors")]
    assert sum(made["files"][name]["bytes"] for name in weights_files) <= 8_000_000
    assert "README.md" in made["files"]
