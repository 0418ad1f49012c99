"""Stages base, generate, synthesize on a tiny model: outs, metrics, mistakes told in one line."""

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

from stages import layout
from synthfr import records, tracking
from synthfr.files import digest_tree
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
    params["generate"] |= {"max_new_tokens": 12, "batch_size": 8, "shard_size": 8}
    params["synthesize"] |= {"max_new_tokens": 12, "batch_size": 8, "shard_size": 8, "reports": 10}
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
    assert (code, told) == (0, "20 reports of at most 12 tokens, 8 at a time\n")
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
    assert not list(layout.SCRATCH.rglob("shard-*"))


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


@pytest.mark.parametrize("name", ["base", "generate", "synthesize"])
def test_help_needs_no_heavy_library(name: str) -> None:
    code = (
        f"import sys, stages.{name}\n"
        "print([m for m in ('torch', 'transformers', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
