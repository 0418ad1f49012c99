"""The whole graph on real French cases: machinery; quality is not expected of the tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.pipeline.conftest import one_round
from tests.pipeline.workspace import Workspace

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.long]


def test_the_whole_graph_runs_on_real_cases(real_corpora: Path, tmp_path: Path) -> None:
    workspace = Workspace.copy(tmp_path / "checkout")
    workspace.run("synth-fr", "profile", "apply", "smoke")
    one_round(workspace)
    public = workspace.root / "public.parquet"
    pd.read_parquet(real_corpora / "fr_e3c_cases.parquet").head(120).to_parquet(public)
    workspace.change_params(
        {
            "seed.source": "files",
            "seed.files.public": {"path": "public.parquet", "columns": {"report_id": "id"}},
            "seed.files.private": {
                "path": str(real_corpora / "fr_codiesp_icd10_train.parquet"),
                "columns": {"report_id": "id", "codes": "codes_cat3"},
            },
            "seed.files.codes": {
                "path": str(real_corpora / "cim10.parquet"),
                "columns": {"label": "label_fr"},
            },
        }
    )
    workspace.dvc("repro")
    assert "<table" in (workspace.root / "reports/index.html").read_text("utf-8")
    synthetic = pq.read_table(workspace.root / "data/synthetic/dpo1/reports.parquet").to_pandas()
    assert synthetic["codes"].map(len).min() >= 1
    told = json.loads((workspace.root / "metrics/classify/dpo1.json").read_text())
    assert all(
        0 <= cell["macro_f1"]["mean"] <= 1
        for per_size in told.values()
        if isinstance(per_size, dict)
        for name, cell in per_size.items()
        if name.startswith("top_k=")
    )
