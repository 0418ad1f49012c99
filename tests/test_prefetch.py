"""`synth-fr prefetch` against a hub on loopback: fetched, verified, pinned, refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthfr.disk import read_yaml
from tests import tiny
from tests.fake_hub import FakeHub

ROOT = Path(__file__).parents[1]
COMMIT, NEWER = "a" * 40, "b" * 40


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    made = tiny.base(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle that nobody wants")
    return made


@pytest.fixture
def hub(model: Path) -> Iterator[FakeHub]:
    models: dict[str, dict[str, str | Path]] = {
        "owner/base": {"main": NEWER, COMMIT: model, NEWER: model},
        "owner/encoder": {"main": NEWER, NEWER: model},
    }
    with FakeHub(models) as served:
        yield served


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the parameters of a run that names two models of the hub."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "large.yaml").write_text(
        "# large\n"
        f"base: {{source: hub, repo_id: owner/base, revision: {COMMIT}}}  # pinned\n"
        "score:\n"
        "  evaluator:\n"
        "    kind: sentence_transformers\n"
        "    sentence_transformers: {model: 'owner/encoder'}\n"
    )
    return tmp_path


def prefetch(
    checkout: Path, hub: FakeHub | None, *options: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",
        "HF_HOME": str(checkout / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }
    env.pop("HF_HUB_OFFLINE", None)
    return subprocess.run(
        [Path(sys.executable).parent / "synth-fr", "prefetch", "--profile", "large", *options],
        cwd=checkout,
        env=env | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_pinned_fetched_verified_and_used_offline(checkout: Path, hub: FakeHub) -> None:
    done = prefetch(checkout, hub)
    assert done.returncode == 1  # the control: a model without a commit is not fetched
    assert "'owner/encoder' is no folder" in done.stderr and "prefetch --pin" in done.stderr

    done = prefetch(checkout, hub, "--pin")
    assert done.returncode == 0, done.stderr
    written = read_yaml(checkout / "profiles/large.yaml")
    evaluator = written["score"]["evaluator"]
    assert evaluator["sentence_transformers"] == {"model": f"owner/encoder@{NEWER}"}
    assert written["base"]["revision"] == COMMIT  # what was pinned stays
    assert "# pinned" in (checkout / "profiles/large.yaml").read_text()
    assert "model.safetensors" in hub.downloads and "pytorch_model.bin" not in hub.downloads

    seen = len(hub.downloads)
    assert prefetch(checkout, hub).returncode == 0
    assert len(hub.downloads) == seen  # nothing twice
    offline = prefetch(checkout, None, "--check", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0 and "All is here and whole" in offline.stdout

    (weights,) = (checkout / "hf").glob(f"hub/models--owner--base/snapshots/{COMMIT}/*.safetensors")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:-10])  # half-downloaded
    broken = prefetch(checkout, None, "--check", HF_HUB_OFFLINE="1")
    assert broken.returncode == 1
    assert "is no complete safetensors file" in broken.stderr and "Traceback" not in broken.stderr


def pinned(checkout: Path) -> None:
    path = checkout / "profiles/large.yaml"
    path.write_text(path.read_text().replace("owner/encoder'", f"owner/encoder@{NEWER}'"))


@pytest.mark.slow
def test_what_cannot_be_fetched_is_said(checkout: Path, hub: FakeHub, model: Path) -> None:
    pinned(checkout)

    def told(hub: FakeHub | None, **variables: str) -> str:
        done = prefetch(checkout, hub, **variables)
        assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    assert "the hub does not answer" in told(None)
    assert "HF_HUB_OFFLINE is set" in told(hub, HF_HUB_OFFLINE="1")
    del hub.models["owner/base"][COMMIT]  # the revision moved
    assert "history was rewritten" in told(hub)
    del hub.models["owner/base"]
    assert "no model 'owner/base'" in told(hub)
    hub.models["owner/base"] = {COMMIT: model}
    hub.corrupt.add("model.safetensors")
    assert "is not what the hub has" in told(hub)


def test_pickled_weights_are_refused(checkout: Path, hub: FakeHub, tmp_path: Path) -> None:
    pinned(checkout)
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"x")
    hub.models["owner/base"][COMMIT] = pickled
    done = prefetch(checkout, hub)
    assert done.returncode == 1 and "has no safetensors weights" in done.stderr
    assert hub.downloads == []
