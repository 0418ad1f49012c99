"""The stages sft, pair and dpo, run in an empty workspace with a tiny base."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from stages import dpo, pair, sft
from synthfr import records
from synthfr.disk import read_yaml
from synthfr.pipeline import layout, tracking
from synthfr.pipeline.runner import StageApp
from synthfr.preferences import BEST_OF, KTO
from tests import tiny
from tests.training import small

ROOT = Path(__file__).parents[2]


class _Untracked:
    @contextmanager
    def run(self, *arguments: Any) -> Any:
        yield self

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tracking, "open_tracker", lambda *arguments: _Untracked())
    for variable in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(variable, os.environ[variable])  # the runner sets them
    params = read_yaml(ROOT / "params.yaml")
    params["runtime"]["threads"] = 1
    params["sft"] |= {**small.COMMON, "epochs": 1}
    params["dpo"] |= small.COMMON
    params["pair"] |= {"min_margin": 0.02, "max_pairs": 8, "max_length_ratio": 2.0}
    Path("params.yaml").write_text(json.dumps(params))
    records.write_table(small.reports(), layout.SFT_TABLE, records.SFT)
    return tmp_path


def run(app: StageApp, *arguments: str) -> Any:
    return CliRunner().invoke(app.typer, list(arguments))


def write_candidates(n_prompts: int = 10) -> None:
    rows = [(f"p{prompt}", candidate) for prompt in range(n_prompts) for candidate in range(2)]
    ids = {"prompt_id": [row[0] for row in rows], "candidate": [row[1] for row in rows]}
    candidates = pd.DataFrame(ids).assign(
        text=[f"Patient {row[0]}, texte {row[1]}." for row in rows],
        seed=range(len(rows)),
        temperature=1.0,
        top_p=1.0,
        n_tokens=20,
        finish_reason="stop",
    )
    unused = ("similarity", "keyword_recall", "judge", "similarity_judge", "bleu")
    scores = pd.DataFrame(ids).assign(**dict.fromkeys(unused), total=[0.4, 0.6] * n_prompts)
    prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{number}" for number in range(n_prompts)],
            "keywords": [["asthme"]] * n_prompts,
            "prompt": [f"Mots : asthme {number}\n" for number in range(n_prompts)],
            "language": "fr",
        }
    )
    records.write_table(candidates, layout.candidates("dpo1"), records.CANDIDATES)
    records.write_table(scores, layout.scores("dpo1"), records.SCORES)
    records.write_table(prompts, layout.PROMPTS, records.PROMPTS)


def test_step0_pairs_and_a_round(workspace: Path) -> None:
    tiny.base(layout.BASE)
    write_candidates()

    result = run(sft.app)
    assert result.exit_code == 0, result.output
    result = run(pair.app, "dpo1")
    assert result.exit_code == 0, result.output
    assert "pairs 8" in result.output and "dropped_cap 2" in result.output
    result = run(dpo.app, "dpo1")
    assert result.exit_code == 0, result.output

    assert len(records.read_table(layout.pairs("dpo1"), records.PAIRS)) == 8
    assert len(records.read_table(layout.best_of("dpo1"), BEST_OF)) == 8
    assert records.read_table(layout.kto("dpo1"), KTO)["label"].sum() == 8
    assert json.loads(layout.metrics("pair", "dpo1").read_text())["counts"]["dropped_cap"] == 2
    assert json.loads(layout.metrics("dpo", "dpo1").read_text())["start"]["margin"] == 0
    assert layout.plot("sft").read_text().startswith("step,loss,")
    curves = pd.read_csv(layout.plot("dpo", "dpo1"))
    assert curves["step"].tolist() == list(range(1, len(curves) + 1))
    assert curves["loss"].notna().all()  # a gap would be drawn as zero
    for step, parent in (("step0", None), ("dpo1", "step0")):
        files = {file.name: file for file in layout.adapter(step).iterdir()}
        assert set(files) == {
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "lineage.json",
        }
        assert json.loads(files["lineage.json"].read_text())["parent"] == parent
        for file in files.values():
            assert str(workspace).encode() not in file.read_bytes()
    assert not layout.SCRATCH.exists() or not list(layout.SCRATCH.rglob("checkpoint-*"))


def test_missing_inputs_are_one_line(workspace: Path) -> None:
    result = run(sft.app)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "models/base" in result.output
    tiny.base(layout.BASE)
    result = run(dpo.app, "dpo1")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "models/step0" in result.output
    assert not layout.adapter("dpo1").exists()


def test_unmatched_scores_write_nothing(workspace: Path) -> None:
    write_candidates()
    scores = records.read_table(layout.scores("dpo1"), records.SCORES)
    records.write_table(scores[:-1], layout.scores("dpo1"), records.SCORES)
    result = run(pair.app, "dpo1")
    assert result.exit_code == 1
    assert "candidate 1 of prompt 'p9' has no score" in result.output
    assert not layout.pairs("dpo1").exists() and not layout.best_of("dpo1").exists()
    assert not layout.metrics("pair", "dpo1").exists()


def test_an_adapter_of_another_base_is_refused(workspace: Path) -> None:
    tiny.base(layout.BASE)
    tiny.adapter(layout.adapter("step0"), layout.BASE, "step0")
    records.write_table(small.pairs(), layout.pairs("dpo1"), records.PAIRS)
    shutil.rmtree(layout.BASE)
    tiny.base(layout.BASE, seed=1)
    result = run(dpo.app, "dpo1")
    assert result.exit_code == 1 and "another base" in result.output
    assert not layout.adapter("dpo1").exists()
