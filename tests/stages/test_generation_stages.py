"""Stages base, generate, judge, synthesize on a tiny model: outs, metrics, mistakes told in one
line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from synthfr import records
from synthfr.disk import digest_tree
from synthfr.pipeline import layout, tracking
from tests import tiny
from tests.generation.test_synthesis import CODE_SETS, CODES

ROOT = Path(__file__).parents[2]


class Silent:
    """A tracker that keeps nothing."""

    @contextmanager
    def run(self, *arguments: Any) -> Iterator["Silent"]:
        yield self

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder as the stages find it: parameters and public tables."""
    yaml = YAML(typ="safe")
    params = yaml.load(ROOT / "params.yaml")
    source = tiny.save_model(tmp_path / "somewhere")
    params["base"] |= {"source": "local", "path": str(source)}
    params["generate"] |= {"max_new_tokens": 12, "batch_size": 8, "chunk_size": 8}
    params["synthesize"] |= {"max_new_tokens": 12, "batch_size": 8, "chunk_size": 8, "reports": 10}
    params["classify"] |= {"sizes": [10]}
    params["rounds"]["dpo1"]["prompts"] = 5
    monkeypatch.chdir(tmp_path)
    yaml.dump(params, Path("params.yaml"))
    prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(9)],
            "keywords": [["fièvre"]] * 9,
            "prompt": [f"demande {i}" for i in range(9)],
            "language": "fr",
        }
    )
    records.write_table(prompts, layout.PROMPTS, records.PROMPTS)
    records.write_table(CODES, layout.CODES, records.CODES)
    records.write_table(CODE_SETS, layout.CODE_SETS, records.CODE_SETS)
    monkeypatch.setattr(tracking, "open_tracker", lambda *arguments: Silent())
    for variable in ("HF_HUB_OFFLINE", "OMP_NUM_THREADS"):
        monkeypatch.setenv(variable, os.environ[variable])  # put back afterwards
    return tmp_path


def stage(name: str, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(import_module(f"stages.{name}").app.typer, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


def metrics(*parts: str) -> Any:
    return json.loads(layout.metrics(*parts).read_text())


@pytest.mark.usefixtures("repository")
def test_base_to_candidates_and_data_set() -> None:
    assert stage("base") == (0, "")
    assert metrics("base")["parameters"] > 10_000
    tiny.adapter(layout.adapter("step0"), layout.BASE, "step0")

    code, told = stage("generate", "dpo1")
    assert (code, told) == (0, "20 texts of at most 12 tokens, saved every 8\n")
    candidates = records.read_table(layout.candidates("dpo1"), records.CANDIDATES)
    assert len(candidates) == 20
    assert metrics("generate", "dpo1")["candidates"] == 20

    first = []
    for _ in range(2):
        code, _ = stage("synthesize", "step0")
        assert code == 0
        first.append(digest_tree(layout.synthetic("step0")))
    assert first[0] == first[1]  # the same parameters, the same bytes
    reports = records.read_table(layout.synthetic_reports("step0"), records.SYNTHETIC)
    assert metrics("synthesize", "step0")["reports"] == len(reports)
    assert (layout.synthetic("step0") / "README.md").is_file()

    code, _ = stage("synthesize", "base")
    assert code == 0
    bare = records.read_table(layout.synthetic_reports("base"), records.SYNTHETIC)
    assert bare["prompt"].tolist() == reports["prompt"].tolist()
    assert bare["text"].tolist() != reports["text"].tolist()
    assert set(bare["step"]) == {"base"}
    card = (layout.synthetic("base") / "README.md").read_text("utf-8")
    assert "no adapter, no SFT" in card
    assert not list(layout.SCRATCH.rglob("chunk-*"))


@pytest.mark.usefixtures("repository")
def test_shares_gathered_are_the_whole_to_the_byte() -> None:
    stage("base")
    tiny.adapter(layout.adapter("step0"), layout.BASE, "step0")
    for name, item, out in (
        ("generate", "dpo1", layout.candidates("dpo1")),
        ("synthesize", "step0", layout.synthetic_reports("step0")),
    ):
        stage(name, item)
        whole, measured = out.read_bytes(), metrics(name, item)
        out.unlink()
        layout.metrics(name, item).unlink()
        for index in ("2", "0"):
            code, _ = stage(name, item, "--shard-index", index, "--num-shards", "3")
            assert code == 0
            assert not out.exists() and not layout.metrics(name, item).exists()
        kept = {chunk.name: chunk.stat().st_mtime_ns for chunk in layout.SCRATCH.rglob("chunk-*")}
        assert kept  # the shards 2 and 0 of 3: shard 1 is written by the one that gathers
        code, told = stage(name, item)
        assert code == 0 and "already written" in told
        assert out.read_bytes() == whole and metrics(name, item) == measured
    for wrong in (("--shard-index", "3", "--num-shards", "3"), ("--num-shards", "3")):
        code, told = stage("generate", "dpo1", *wrong)
        assert (code, told.count("\n")) == (1, 1) and "--shard-index" in told


def change_synthesize(**values: Any) -> None:
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml"))
    params["synthesize"] |= values
    yaml.dump(params, Path("params.yaml"))


@pytest.mark.usefixtures("repository")
def test_code_sets_of_a_file_are_written_about_in_their_order() -> None:
    stage("base")
    tiny.adapter(layout.adapter("step0"), layout.BASE, "step0")
    file = {"path": "sets.csv", "watch": "sets.csv", "column": "codes"}
    change_synthesize(code_sets="given", given=file, reports=10, max_keywords_per_code=2)
    Path("sets.csv").write_text("codes\nI10;E11\nI10;Z98\n")
    code, told = stage("synthesize", "step0")
    assert code == 1 and told.count("\n") == 1
    assert "sets.csv, row 2: code 2 is not in the code table" in told
    assert not layout.synthetic("step0").exists()
    Path("sets.csv").write_text("codes\nI10;E11\nZ99\n")
    assert stage("synthesize", "step0")[0] == 0
    reports = records.read_table(layout.synthetic_reports("step0"), records.SYNTHETIC)
    expected = {f"report-{at:06d}": [["I10", "E11"], ["Z99"]][at % 2] for at in range(10)}
    got = dict(zip(reports["report_id"], reports["codes"], strict=True))
    assert got == {name: expected[name] for name in got} and len(got) > 5
    assert max(map(len, reports["keywords"])) > 2
    assert "the sets of a file" in (layout.synthetic("step0") / "README.md").read_text("utf-8")


@pytest.mark.usefixtures("repository")
def test_mistakes_are_one_line_and_leave_nothing() -> None:
    def mistake(*command: str) -> str:
        code, told = stage(*command)
        assert code == 1
        assert told.count("\n") == 1
        assert not layout.candidates("dpo1").exists()
        assert not layout.synthetic("step0").exists()
        return told

    assert "models/step0 is no complete adapter" in mistake("generate", "dpo1")
    assert "no 'dpo9' to run generate for" in mistake("generate", "dpo9")
    stage("base")
    tiny.adapter(layout.adapter("step0"), layout.BASE, "step0")
    os.rename("models/base", "models/away")
    for command in (("generate", "dpo1"), ("synthesize", "step0")):
        assert "models/base is missing" in mistake(*command)
    tiny.base(layout.BASE, seed=5)
    assert "step0 was made for another base model" in mistake("synthesize", "step0")
    Path("somewhere/tokenizer.json").unlink()
    assert "no tokenizer" in mistake("base")


def write_candidates(texts: list[str]) -> None:
    candidates = pd.DataFrame(
        {
            "prompt_id": [f"p{i // 2}" for i in range(len(texts))],
            "candidate": [i % 2 for i in range(len(texts))],
            "text": texts,
            "seed": 1,
            "temperature": 1.0,
            "top_p": 1.0,
            "n_tokens": 9,
            "finish_reason": "stop",
        }
    )
    records.write_table(candidates, layout.candidates("dpo1"), records.CANDIDATES)


def change_judge(**values: Any) -> None:
    yaml = YAML(typ="safe")
    params = yaml.load(Path("params.yaml"))
    params["judge"] |= {"watch": values.get("model", "models/README.md")} | values
    yaml.dump(params, Path("params.yaml"))


@pytest.mark.usefixtures("repository")
def test_judge_of_synthetic_text_alone() -> None:
    """No private table is there at all: nothing of it can be read."""
    assert not layout.PRIVATE.exists()
    write_candidates(["Fièvre à 39.", "", "HTA traitée.", "Voici le compte rendu."])
    assert stage("judge", "dpo1") == (0, "")
    table = records.read_table(layout.judgements("dpo1"), records.JUDGEMENTS)
    assert len(table) == 4 and table["judge"].isna().all()
    assert metrics("judge", "dpo1")["judged"] == 0

    model = tiny.save_model(Path("judge"), context=6000)
    change_judge(kind="score", model=str(model), max_new_tokens=60, chunk_size=3)
    written = []
    for _ in range(2):
        assert stage("judge", "dpo1") == (0, "3 texts of at most 60 tokens, saved every 3\n")
        written.append(digest_tree(layout.judgements("dpo1")))
    assert written[0] == written[1]
    table = records.read_table(layout.judgements("dpo1"), records.JUDGEMENTS)
    assert table["judge"].notna().all() and table["judge"][1] == 0
    assert metrics("judge", "dpo1")["unparsable_share"] == 0
    assert not list(layout.SCRATCH.rglob("chunk-*"))


@pytest.mark.usefixtures("repository")
def test_a_judge_that_is_not_there_writes_nothing() -> None:
    write_candidates(["Fièvre à 39.", "HTA traitée."])
    change_judge(kind="score", model="owner/judge")
    for model, told in (
        ("owner/judge", "judge.model: 'owner/judge' is no"),
        (f"owner/judge@{'0' * 40}", "is not in the local cache"),
    ):
        change_judge(model=model)
        code, stderr = stage("judge", "dpo1")
        assert code == 1 and told in stderr and stderr.count("\n") == 1
    assert not layout.judgements("dpo1").exists() and not layout.metrics("judge", "dpo1").exists()


@pytest.mark.parametrize("name", ["base", "generate", "judge", "synthesize"])
def test_help_needs_no_heavy_library(name: str) -> None:
    code = (
        f"import sys, stages.{name}\n"
        "print([m for m in ('torch', 'transformers', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
