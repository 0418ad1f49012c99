"""`synth-fr prefetch` against a hub on loopback: fetched, verified, pinned, refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from synthfr.disk import read_yaml
from synthfr.pipeline import profiles
from tests import tiny
from tests.fake_hub import FakeHub
from tests.models.test_published import published_adapter

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


LOAD = """
from pathlib import Path
from synthfr.corpora import hub, teacher
from synthfr.models import base
from synthfr.pipeline.parameters import load_params
params = load_params()
made = base.provide(params.base, Path("out"))
reading = hub.read(params.seed, 0)
rows = teacher.rows(params.sft.teacher, "plain", "fr")
print(made["adapters"][0]["repo_id"], len(reading.public.frame), len(rows))
"""


@pytest.fixture(scope="module")
def adapter(model: Path) -> Path:
    return published_adapter(model.with_name("lora"), model.with_name("tiny-source"), seed=1)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / "reports"
    (folder / "data").mkdir(parents=True)
    rows = pd.DataFrame({"id": ["a", "b", "c"], "text": ["Un.", "Deux.", "Trois."]})
    rows["keywords"] = [["HTA"], ["toux"], ["asthme"]]
    rows[:2].to_parquet(folder / "data/train-00000-of-00002.parquet")
    rows[2:].to_parquet(folder / "data/train-00001-of-00002.parquet")
    (folder / "reports.py").write_text("raise SystemExit('code of a data set was run')")
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: train\n    path: data/train-*\n---\n"
    )
    return folder


@pytest.fixture
def started(checkout: Path, hub: FakeHub, adapter: Path, reports: Path) -> Path:
    """A profile that begins with somebody's adapter, public reports and teacher's reports, none of
    them pinned but one.
    """
    hub.models["owner/lora"] = {"main": NEWER, NEWER: adapter, COMMIT: adapter}
    hub.datasets["owner/reports"] = {"main": COMMIT, COMMIT: reports}
    path = checkout / "profiles/large.yaml"
    path.write_text(
        "base:\n"
        f"  source: hub\n  repo_id: owner/base\n  revision: {COMMIT}\n"
        f"  adapters: [owner/lora@{COMMIT}, owner/lora]\n"
        "seed:\n"
        "  source: hub\n"
        "  hub: {public: {repo_id: owner/reports, columns: {report_id: id}}}  # theirs\n"
        "sft:\n"
        "  teacher: {repo_id: owner/reports, share: 0.5}\n"
    )
    return checkout


def load(checkout: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the stages do, without a network."""
    return subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=checkout,
        env=os.environ
        | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(checkout / "hf")}
        | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_XET": "1"}
        | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.long
def test_adapters_and_data_sets_are_pinned_fetched_and_read_offline(
    started: Path, hub: FakeHub
) -> None:
    done = prefetch(started, hub)
    assert done.returncode == 1 and "'owner/lora' is no folder" in done.stderr

    done = prefetch(started, hub, "--pin")
    assert done.returncode == 0, done.stderr
    written = read_yaml(started / "profiles/large.yaml")
    assert written["base"]["adapters"] == [f"owner/lora@{COMMIT}", f"owner/lora@{NEWER}"]
    assert written["seed"]["hub"]["public"]["repo_id"] == f"owner/reports@{COMMIT}"
    assert written["sft"]["teacher"] == {"repo_id": f"owner/reports@{COMMIT}", "share": 0.5}
    assert "# theirs" in (started / "profiles/large.yaml").read_text()
    assert "data/train-00001-of-00002.parquet" in hub.downloads
    assert "reports.py" not in hub.downloads
    assert "seed.hub.public.repo_id" in done.stdout and "sft.teacher.repo_id" in done.stdout

    hub.stop()
    done = prefetch(started, None, "--check", HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    profiles.apply(started / "params.yaml", started / "profiles/large.yaml")
    read = load(started)
    assert read.returncode == 0, read.stderr
    assert read.stdout.split() == ["owner/lora", "3", "3"]
    empty = load(started, HF_HOME=str(started / "empty"))  # the control: never fetched
    assert empty.returncode == 1 and "is not in the local cache" in empty.stderr


@pytest.mark.slow
@pytest.mark.long
def test_what_is_wrong_with_adapters_and_data_sets_is_said(
    started: Path, hub: FakeHub, adapter: Path, reports: Path, tmp_path: Path
) -> None:
    path = started / "profiles/large.yaml"
    text = path.read_text().replace("owner/reports", f"owner/reports@{COMMIT}")
    path.write_text(text.replace(", owner/lora]", "]"))

    def told() -> str:
        done = prefetch(started, hub)
        assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr

    pickled = tmp_path / "pickled"
    pickled.mkdir()
    shutil.copy(adapter / "adapter_config.json", pickled)
    (pickled / "adapter_model.bin").write_bytes(b"a pickle that nobody wants")
    hub.models["owner/lora"][COMMIT] = pickled
    said = told()
    assert "base.adapters[0]: owner/lora" in said and "pickled ones are never read" in said
    assert "adapter_model.bin" not in hub.downloads
    hub.models["owner/lora"][COMMIT] = adapter

    (reports / "README.md").write_text("---\nconfigs:\n- config_name: a\n  data_files: x*\n---\n")
    assert "seed.hub.public: owner/reports@aaaaaaaaaaaa cannot be read as a table" in told()
    hub.datasets["owner/reports"] = {NEWER: reports}
    assert "history was rewritten" in told()
    del hub.datasets["owner/reports"]
    hub.models["owner/reports"] = {COMMIT: adapter}  # a model of that name is no data set
    assert "no data set 'owner/reports'" in told()
