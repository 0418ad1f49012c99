"""The published system and ours, both profiles as they are shipped, at tiny size: the same stages
and rules, models with random weights, the transformers engine in vLLM's stead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import records
from synthfr.corpora import demo
from synthfr.corpora.demo import DemoSizes
from synthfr.pipeline.differences import OURS, PUBLISHED
from tests import tiny
from tests.coding.test_encoder import encoder
from tests.pipeline.workspace import Workspace
from tests.scoring.encoders import sentence_encoder

pytestmark = [pytest.mark.pipeline, pytest.mark.slow, pytest.mark.long]

PROMPTS, REPORTS = 12, 40
SMALL = {  # sizes and places, no rule
    "runtime.device": "cpu",
    "seed.files.public.path": "public_source.parquet",
    "seed.files.private.path": "data/private/raw/reports.parquet",
    "seed.files.codes.path": "codes_source.parquet",
    "base.source": "local",
    "sft.epochs": 1,
    "sft.precision": "float32",
    "dpo.precision": "float32",
    "generate.engine": "transformers",
    "generate.max_new_tokens": 24,
    "judge.engine": "transformers",
    "judge.max_unparsable_share": 1.0,
    "synthesize.engine": "transformers",
    "synthesize.reports": REPORTS,
    "synthesize.max_new_tokens": 24,
    "classify.coder.encoder.epochs": 1,
    "classify.coder.encoder.max_length": 64,
    "classify.coder.encoder.precision": "float32",
    "classify.sizes": [30],
    "classify.top_k": [5],
    "classify.seeds": [0],
    "fidelity.min_code_recall": None,
    "fidelity.max_wrong_codes": None,
}
SMALLER = {  # what the rules of either do with texts of a few tokens
    PUBLISHED: {"sft.max_length": 96, "dpo.max_length": 900},
    OURS: {
        "sft.max_length": 900,
        "dpo.max_length": 900,
        "keywords.min_documents": 2,
        "judge.max_new_tokens": 80,  # three grades, in a tokenizer of single letters
    },
}


def sources(workspace: Workspace) -> None:
    """The demo's reports as a user's files."""
    made = demo.corpus(DemoSizes(public=30, private_train=60, private_holdout=30), random_seed=0)
    private = pd.concat([made.private_train, made.private_holdout], ignore_index=True)
    made.public.drop(columns="patient_id").to_parquet(workspace.root / "public_source.parquet")
    private.to_parquet(workspace.root / "data/private/raw/reports.parquet")
    made.codes.to_parquet(workspace.root / "codes_source.parquet")
    (workspace.root / ".git" / "info" / "exclude").write_text("*_source.parquet\n")


def run(profile: str, folder: Path) -> Workspace:
    workspace = Workspace.copy(folder / "checkout")
    workspace.run("synth-fr", "profile", "apply", profile)
    sources(workspace)
    models = {
        "base.path": tiny.save_chat_model(folder / "base", context=1024),
        "judge.model": tiny.save_model(folder / "judge", context=6000),
        "score.evaluator.sentence_transformers.model": sentence_encoder(
            folder / "sentences", own_limit=64, positions=512
        ),
        "classify.coder.encoder.model": encoder(folder / "encoder"),
    }
    watched = {
        name.replace(".model", ".watch"): path for name, path in models.items() if ".model" in name
    }
    one_round = {"parent": "step0", "prompts": PROMPTS, "learning_rate": 5e-6, "epochs": 1}
    workspace.change_params(
        {
            **SMALL,
            **SMALLER[profile],
            **{name: str(path) for name, path in {**models, **watched}.items()},
            "rounds": {"dpo1": one_round},
            "steps": ["step0", "dpo1"],
        }
    )
    workspace.dvc("repro")
    return workspace


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return run(PUBLISHED, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return run(OURS, tmp_path_factory.mktemp("ours"))


def metrics(workspace: Workspace, name: str) -> Any:
    return json.loads((workspace.root / "metrics" / f"{name}.json").read_text("utf-8"))


def table(workspace: Workspace, path: str, schema: records.Table) -> pd.DataFrame:
    return records.read_table(workspace.root / path, schema)


def macro_f1(workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = metrics(workspace, "classify/dpo1")["size=30"]["top_k=5"]
    return found


def test_the_published_way_runs_by_its_own_rules(published: Workspace) -> None:
    prompts = table(published, "data/public/prompts.parquet", records.PROMPTS)
    assert prompts["prompt"].str.startswith("### Instruction\n").all()
    assert prompts["prompt"].str.endswith("### Output\n").all()
    terms = [term for row in prompts["keywords"] for term in row]
    assert all(term == term.lower() and term.isascii() for term in terms)
    lengths = [[len(term) for term in row] for row in prompts["keywords"]]
    assert all(row == sorted(row, reverse=True) for row in lengths)
    assert "original" in macro_f1(published)
    candidates = table(published, "data/rounds/dpo1/candidates.parquet", records.CANDIDATES)
    assert set(candidates["prompt_id"]) == set(prompts["prompt_id"][:PROMPTS])  # the first ones
    temperatures = candidates.groupby("candidate")["temperature"].nunique()
    assert (temperatures == 1).all()  # drawn once for a column
    scores = table(published, "data/rounds/dpo1/scores.parquet", records.SCORES)
    assert scores["judge"].notna().all() and scores["bleu"].isna().all()
    total = scores[["similarity", "judge", "keyword_recall"]].mean(axis=1)
    assert (scores["total"] - total).abs().max() < 1e-6
    assert metrics(published, "sft")["rows"]["pieces"] > metrics(published, "sft")["rows"]["train"]
    reports = table(published, "data/synthetic/dpo1/reports.parquet", records.SYNTHETIC)
    assert len(reports) == REPORTS and reports["codes"].map(len).between(1, 6).all()


def test_ours_runs_by_its_own_rules(ours: Workspace) -> None:
    prompts = table(ours, "data/public/prompts.parquet", records.PROMPTS)
    assert prompts["prompt"].str.startswith("Tu es médecin").all()
    candidates = table(ours, "data/rounds/dpo1/candidates.parquet", records.CANDIDATES)
    drawn = candidates[candidates["candidate"] > 0].groupby("candidate")["temperature"].nunique()
    assert (drawn > 1).all()  # each candidate has a draw of its own
    made = json.loads((ours.root / "models/base/provenance.json").read_text("utf-8"))
    assert made["chat_template"] is True
    assert "macro_f1" in macro_f1(ours)


@pytest.mark.parametrize("which", ["published", "ours"])
def test_nothing_runs_again(which: str, request: pytest.FixtureRequest) -> None:
    workspace: Workspace = request.getfixturevalue(which)
    assert "Data and pipelines are up to date." in workspace.dvc("repro").stdout
