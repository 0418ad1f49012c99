"""A published data set: loaded by the programs that others have."""

from __future__ import annotations

import json
import stat
import warnings
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from synthfr import front_matter
from synthfr.disk import digest_tree, read_json, sha256_file
from tests.publishing.conftest import TEXTS, Publish

FILES = ["README.md", "croissant.json", "lineage.json", "reports.parquet"]


@pytest.fixture
def out(audited: Path, publish: Publish, tmp_path: Path) -> Path:
    done = publish("--license", "cc-by-4.0", "--repo", "owner/name")
    assert done.exit_code == 0, done.output
    assert "hf upload owner/name" in done.stdout and done.stderr == ""
    return tmp_path / "out"


def test_the_folder_is_whole_and_open_to_all(out: Path) -> None:
    assert sorted(file.name for file in out.iterdir()) == FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o644}
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    table = pq.ParquetFile(out / "reports.parquet").metadata
    assert table.row_group(0).column(1).compression == "ZSTD"


def test_datasets_loads_it(out: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["text"][:] == TEXTS and loaded["codes"][1] == ["I50", "I10"]


def test_the_head_is_what_the_hub_wants(out: Path) -> None:
    from huggingface_hub import DatasetCard

    text = (out / "README.md").read_text("utf-8")
    data = DatasetCard(text).data.to_dict()
    assert data["license"] == "cc-by-4.0" and data["language"] == ["fr"]
    assert data["size_categories"] == ["n<1K"]
    assert data["task_categories"] == ["text-classification", "text-generation"]
    assert data["configs"] == [{"config_name": "default", "data_files": "reports.parquet"}]
    broken = text.replace("tags:", "tags: [", 1)  # negative control
    with pytest.raises(yaml.YAMLError):
        DatasetCard(broken)
    assert front_matter.split(broken)[0] == {}


def test_the_card_says_where_it_comes_from_and_what_was_measured(out: Path) -> None:
    card = (out / "README.md").read_text("utf-8")
    made_by = read_json(out / "lineage.json")
    assert made_by["reports_sha256"] == sha256_file(out / "reports.parquet")
    assert [one["step"] for one in made_by["adapters"]] == ["step0", "dpo1"]
    for one in made_by["adapters"]:
        assert one["digest"] == digest_tree(Path("models") / one["step"]) and one["digest"] in card
    assert made_by["base"]["digest"] in card
    assert sorted(made_by["run"]) == ["code", "parameters"]
    assert "| train.containment | 0.015625 |" in card
    assert "| gap.containment | 0.000976562 |" in card
    assert 'load_dataset("owner/name"' in card and "`cc-by-4.0`" in card
    assert not any(text in card for text in TEXTS)


@pytest.mark.parametrize(
    ("way", "epsilon"),
    [("order", None), ("raw", None), (None, None), ("population", None), ("population", 2.0)],
)
def test_the_card_says_that_scores_left_as_numbers(
    way: str | None, epsilon: float | None, audited: Path, publish: Publish, tmp_path: Path
) -> None:
    """As dvc.lock has it of the rounds behind the step; None: it has no such round."""
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    if way:
        params = {"params.yaml": {"score.release": way, "score.dp": {"epsilon": epsilon}}}
        lock["stages"]["release@dpo1"] = {"cmd": "x", "params": params}
    lock["stages"]["release@dpo2"] = {
        "cmd": "x",
        "params": {"params.yaml": {"score.release": "raw"}},
    }
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    assert publish().exit_code == 0
    card = (tmp_path / "out/README.md").read_text("utf-8")
    told = "The scores of the candidates of `dpo1` left the private side as numbers: "
    bare = way == "raw" or (way == "population" and epsilon is None)
    assert (told in card) == bare and "`dpo2`" not in card
    assert (f"{told}who holds" in card) == (way == "raw")
    assert (f"{told}without noise" in card) == (way == "population" and bare)
    told_way = "unguarded" if way == "population" and bare else way or "unknown"
    assert read_json(tmp_path / "out/lineage.json")["releases"] == {"dpo1": told_way}


@pytest.mark.parametrize("stale", ["none", "other data", "other figures"])
def test_a_verdict_that_is_not_of_this_data_set_is_none(
    stale: str, checkout: Path, publish: Publish, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if stale != "none":
        request.getfixturevalue("audited")
    if stale == "other data":
        card = Path("data/synthetic/dpo1/README.md")
        card.write_text(card.read_text() + "\nMore.\n")
    if stale == "other figures":
        Path("metrics/privacy/dpo1.json").write_text("{}\n")
    done = publish()
    assert done.exit_code == 0, done.output
    assert "No privacy verdict of dpo1" in done.stderr
    assert "No licence: the base's card names none" in done.stderr
    card_text = (tmp_path / "out/README.md").read_text("utf-8")
    assert "No privacy audit: nobody has measured" in card_text
    assert "containment" not in card_text
    assert "license: other" in card_text and "Not stated." in card_text


class TestCroissant:
    @staticmethod
    def issues(metadata: dict[str, Any], folder: Path) -> str | None:
        import mlcroissant as mlc

        path = folder / "croissant.json"
        path.write_text(json.dumps(metadata))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                mlc.Dataset(str(path))
            except mlc.ValidationError as error:
                return str(error)
        return None

    def test_mlcroissant_takes_it_and_reads_the_records(
        self, out: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        import mlcroissant as mlc

        data = mlc.Dataset(str(out / "croissant.json"))
        assert "is not standard" not in caplog.text
        rows = list(data.records("reports"))
        assert [row["reports/text"].decode() for row in rows] == TEXTS
        assert rows[2]["reports/seed"] == 2**60
        assert [code.decode() for code in rows[1]["reports/codes"]] == ["I50", "I10"]
        names = pq.read_schema(out / "reports.parquet").names
        assert [field.name for field in data.metadata.record_sets[0].fields] == names

    @pytest.mark.parametrize("removed", ["contentUrl", "encodingFormat"])
    def test_it_rejects_one_with_a_part_removed(self, removed: str, out: Path) -> None:
        """Negative control."""
        metadata = read_json(out / "croissant.json")
        assert self.issues(metadata, out) is None
        del metadata["distribution"][0][removed]
        assert self.issues(metadata, out) is not None
