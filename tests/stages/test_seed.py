"""The stage ``seed``: its tables, its log, and what a user reads when a file is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from synthfr import records
from synthfr.disk import read_yaml
from synthfr.pipeline import layout
from tests.stages import small_seed


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_seed.prepare(tmp_path, monkeypatch)


def test_tables_and_counts() -> None:
    result = small_seed.run("seed")
    assert result.exit_code == 0, result.output
    public = records.read_table(layout.SEED, records.REPORTS)
    train = records.read_table(layout.PRIVATE_TRAIN, records.REPORTS)
    holdout = records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)
    codes = records.read_table(layout.CODES, records.CODES)
    assert len(public) == 12
    assert len(train) + len(holdout) == 40
    assert not set(train["patient_id"]) & set(holdout["patient_id"])
    assert codes["code"].tolist() == ["D64", "I10", "I50"]
    logged = json.loads(layout.metrics("seed").read_text())
    assert logged["private_train"]["reports"] == len(train)
    assert logged["public"]["patients"] == 6
    assert logged["codes"]["codes"] == 3 and logged["codes"]["synonyms"] > 20  # and the lexicon's


def test_the_demo_goes_the_same_way() -> None:
    demo = {"public": 5, "private_train": 6, "private_holdout": 7}
    small_seed.change(seed={"source": "demo", "demo": demo})
    assert small_seed.run("seed").exit_code == 0
    assert len(records.read_table(layout.SEED, records.REPORTS)) == 5
    assert len(records.read_table(layout.PRIVATE_HOLDOUT, records.REPORTS)) == 7


def test_same_parameters_same_bytes() -> None:
    small_seed.run("seed")
    first = small_seed.outputs()
    small_seed.run("seed")
    assert small_seed.outputs() == first
    assert len(first) == 6


def test_a_user_mistake_is_one_line_and_leaves_nothing() -> None:
    frame = pd.read_parquet(small_seed.PRIVATE)
    frame.loc[3, "text"] = " "
    frame.to_parquet(small_seed.PRIVATE)
    result = small_seed.run("seed")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    said = f"seed: {small_seed.PRIVATE}, row 4 (report_id 'priv3'): the text is empty"
    assert said in result.output
    assert small_seed.CANARY not in result.output
    assert small_seed.outputs() == {}


def test_private_reports_elsewhere_in_the_checkout_are_refused() -> None:
    files = read_yaml("params.yaml")["seed"]["files"]
    files["private"]["path"] = "reports.parquet"
    small_seed.PRIVATE.rename("reports.parquet")
    small_seed.change(seed={"files": files})
    result = small_seed.run("seed")
    assert result.exit_code == 1
    assert "seed.files.private.path: reports.parquet lies in this checkout" in result.output
    assert small_seed.outputs() == {}


def test_the_private_tables_are_their_owners_alone() -> None:
    small_seed.run("seed")
    for path in (layout.PRIVATE_TRAIN, layout.PRIVATE_HOLDOUT, layout.CANARIES):
        assert path.stat().st_mode & 0o777 == 0o600
    assert layout.SEED.stat().st_mode & 0o044  # negative control: public tables are open


def test_a_failed_run_keeps_the_tables_of_the_last_good_one() -> None:
    small_seed.run("seed")
    before = small_seed.outputs()
    Path("public.parquet").write_bytes(Path("public.parquet").read_bytes()[:99])
    assert small_seed.run("seed").exit_code == 1
    assert small_seed.outputs() == before


def test_help_is_quick_to_import() -> None:
    heavy = "('pandas', 'pyarrow', 'numpy', 'spacy')"
    code = f"import sys, stages.seed; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=small_seed.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
