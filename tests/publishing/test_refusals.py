"""What is never published, and what an upload sends; the hub is one on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.fake_hub import FakeHub
from tests.publishing.conftest import TEXTS, Publish

PRIVATE = "is on the private side"


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "checkout")


class TestPrivateSide:
    """Negative control of all: the same command with nothing private in it ends well."""

    def test_a_data_set_that_is_a_link_into_it(
        self, checkout: Path, publish: Publish, tmp_path: Path
    ) -> None:
        assert publish(out=tmp_path / "control").exit_code == 0
        private = checkout / "data/private/made"
        private.parent.mkdir()
        (checkout / "data/synthetic/dpo1").rename(private)
        (checkout / "data/synthetic/dpo1").symlink_to(private)
        done = publish()
        assert done.exit_code == 1 and PRIVATE in done.stderr
        assert written(tmp_path) == ["control"]

    def test_a_file_of_the_data_set_that_is_a_link(
        self, checkout: Path, publish: Publish, tmp_path: Path
    ) -> None:
        reports = checkout / "data/synthetic/dpo1/reports.parquet"
        (checkout / "data/private").mkdir()
        reports.rename(checkout / "data/private/train.parquet")
        reports.symlink_to(checkout / "data/private/train.parquet")
        assert PRIVATE in publish().stderr and written(tmp_path) == []

    @pytest.mark.parametrize("kind", ["--merged", "--adapter"])
    def test_an_adapter_in_it(
        self, kind: str, checkout: Path, publish: Publish, tmp_path: Path
    ) -> None:
        (checkout / "recipes/x/data/private").mkdir(parents=True)
        moved = (checkout / "models/step0").rename(checkout / "recipes/x/data/private/step0")
        (checkout / "models/step0").symlink_to(moved)
        done = publish(kind, "--base", "models/base")
        assert done.exit_code == 1 and PRIVATE in done.stderr and written(tmp_path) == []

    @pytest.mark.parametrize("place", ["data/private/out", "link/out"])
    def test_as_the_place_to_write(self, place: str, checkout: Path, publish: Publish) -> None:
        (checkout / "data/private").mkdir()
        (checkout / "link").symlink_to(checkout / "data/private")
        assert PRIVATE in publish(out=checkout / place).stderr
        assert list((checkout / "data/private").iterdir()) == []

    @pytest.mark.parametrize("source", ["files", "hub"])  # of the public ones
    def test_where_the_users_own_private_reports_lie(
        self, source: str, checkout: Path, publish: Publish, tmp_path: Path
    ) -> None:
        params = yaml.safe_load((checkout / "params.yaml").read_text())
        params["seed"]["source"] = source
        params["seed"]["hub"]["public"]["repo_id"] = f"owner/reports@{'c' * 40}"
        params["seed"]["files"]["private"]["path"] = str(tmp_path / "hospital")
        (checkout / "params.yaml").write_text(yaml.safe_dump(params))
        assert PRIVATE in publish(out=tmp_path / "hospital/out").stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--adapter", "--merged"), "choose one of them"),
        (("--upload",), "--upload wants --repo"),
        (("--repo", "name"), "'name' is no hub name"),
        (("--repo", "https://hub/owner/name"), "is no hub name"),
        (("--license", "Apache 2.0"), "write one like apache-2.0"),
    ],
)
def test_options_that_do_not_fit(
    options: tuple[str, ...], sentence: str, checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    done = publish(*options)
    assert done.exit_code == 1 and sentence in done.stderr and written(tmp_path) == []


def test_an_unknown_step_a_step_without_data_and_a_folder_that_is_there(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    assert "no step 'dpo9'" in publish(step="dpo9").stderr
    done = publish(step="step0")
    assert done.exit_code == 1 and "data/synthetic/step0" in done.stderr
    assert written(tmp_path) == []
    (tmp_path / "out").mkdir()
    assert publish().exit_code == 0  # an empty folder is as good as none
    before = (tmp_path / "out/README.md").read_bytes()
    done = publish("--merged")
    assert done.exit_code == 1 and "is there already: name a new folder" in done.stderr
    assert (tmp_path / "out/README.md").read_bytes() == before


def test_a_card_whose_head_is_broken_is_told(
    checkout: Path, publish: Publish, tmp_path: Path
) -> None:
    card = checkout / "data/synthetic/dpo1/README.md"
    card.write_text(card.read_text("utf-8").replace("tags:", "tags: [", 1), "utf-8")
    done = publish()
    assert done.exit_code == 1 and "has no valid head" in done.stderr
    assert written(tmp_path) == []


def test_reports_of_another_step_are_told(checkout: Path, publish: Publish) -> None:
    (checkout / "data/synthetic/dpo1").rename(checkout / "data/synthetic/dpo2")
    (checkout / "models/dpo1").rename(checkout / "models/dpo2")
    lineage = checkout / "models/dpo2/lineage.json"
    lineage.write_text(lineage.read_text().replace('"dpo1"', '"dpo2"'))
    done = publish(step="dpo2")
    assert done.exit_code == 1 and "holds reports of another step (dpo1)" in done.stderr


class TestUpload:
    @pytest.fixture
    def hub(self, checkout: Path) -> Iterator[FakeHub]:
        with FakeHub({}) as hub:
            yield hub

    @staticmethod
    def send(hub: FakeHub, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own: the hub's address is read when huggingface_hub is imported."""
        environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
        command = [sys.executable, "-c", "from synthfr.pipeline.cli import app; app()", "publish"]
        return subprocess.run(
            [*command, "--step", "dpo1", "--out", str(out), "--repo", "owner/name", *options],
            env=environment | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_made_up"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("kind", "type_"),
        [
            ("--dataset", "dataset"),
            pytest.param("--merged", "model", marks=pytest.mark.long),
        ],
    )
    def test_every_file_arrives_once_it_is_asked_for(
        self, kind: str, type_: str, hub: FakeHub, tmp_path: Path
    ) -> None:
        assert self.send(hub, tmp_path / "kept", kind).returncode == 0
        assert (hub.created, hub.received) == ([], {})  # nothing is sent unasked
        out = tmp_path / "out"
        done = self.send(hub, out, kind, "--upload")
        assert done.returncode == 0, done.stderr
        assert "owner/name/commit/1" in done.stdout
        assert hub.created[0]["visibility"] == "private"
        files = {file.name: file.read_bytes() for file in out.iterdir()}
        assert hub.received == {f"{type_}s/owner/name": files}
        assert not any(text in json.dumps(hub.created) for text in TEXTS)

    def test_a_refusal_is_one_sentence_and_the_folder_stays(
        self, hub: FakeHub, tmp_path: Path
    ) -> None:
        hub.forbidden = True
        done = self.send(hub, tmp_path / "out", "--upload")
        assert done.returncode == 1 and "The hub refused owner/name (403)" in done.stderr
        assert "Traceback" not in done.stderr and (tmp_path / "out/README.md").is_file()

    def test_so_is_a_hub_that_is_not_there(self, hub: FakeHub, tmp_path: Path) -> None:
        gone = FakeHub({})
        gone._server.server_close()
        done = self.send(gone, tmp_path / "out", "--upload")
        assert done.returncode == 1 and "The hub cannot be reached" in done.stderr
