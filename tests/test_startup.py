"""A stage answers ``--help`` without the libraries that take seconds to import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.startup import stages

ROOT = Path(__file__).parents[1]
HEAVY = (
    "accelerate", "datasets", "edsnlp", "matplotlib", "mlflow", "numpy", "openai", "pandas", "peft",
    "pyarrow", "scipy", "sentence_transformers", "sklearn", "spacy", "torch", "transformers", "trl",
    "vllm",
)  # fmt: skip
SHOW_HELP = f"""
import runpy, sys
name = sys.argv[1]
sys.argv = [name, "--help"]
try:
    runpy.run_module(name, run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
print("\\nimported:", *(each for each in {HEAVY!r} if each in sys.modules))
"""


def help_of(module: str, folder: Path = ROOT) -> tuple[str, list[str]]:
    """What ``python -m module --help`` prints, and the heavy libraries that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW_HELP, module],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown, _, imported = done.stdout.rpartition("\nimported:")
    return shown, imported.split()


@pytest.mark.parametrize("stage", stages())
def test_help_imports_nothing_heavy(stage: str) -> None:
    shown, imported = help_of(f"stages.{stage}")
    assert "--params" in shown
    assert imported == []


def test_every_stage_of_the_pipeline_is_looked_at() -> None:
    import yaml

    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    assert set(pipeline["stages"]) <= set(stages())


def test_a_heavy_import_is_seen(tmp_path: Path) -> None:
    """Negative control: an early import of pandas, which brings numpy."""
    (tmp_path / "slow.py").write_text("import pandas\nprint('--params')\n")
    shown, imported = help_of("slow", tmp_path)
    assert "--params" in shown
    assert {"pandas", "numpy"} <= set(imported)
