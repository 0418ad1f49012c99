"""A small checkout with a policy of two steps, a data set with its card, and a dvc.lock of them."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from synthfr.disk import write_json
from synthfr.generation import card
from synthfr.generation.synthesis import Synthesis
from synthfr.models import adapter_chain, policy_files
from synthfr.pipeline.cli import app
from synthfr.pipeline.hashes import Hashes
from synthfr.pipeline.parameters import load_params
from tests import tiny

ROOT = Path(__file__).parents[2]
TEXTS = ["Patient fébrile, toux grasse.", "Dyspnée d'effort. Sortie à domicile.", "HTA connue."]
AUDIT = {
    "train": {"containment": 0.015625, "longest_run_words": {"max": 9}},
    "gap": {"containment": 0.0009765625},
    "verdict": 0,
    "tests": {
        "copied_runs": {
            "train": 1.5,
            "holdout": 1.25,
            "difference": {"mean": 0.25, "low": -0.125, "high": 0.5},
            "p_value": 0.25,
            "exceeds": 0,
            "risk": 0,
            "adjusted_p": 0.25,
            "detection": {"verbatim": 5, "reworded": None},
            "verdict": 0,
        }
    },
}

Publish = Callable[..., Result]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    base = tiny.base(folder / "base")
    step0 = tiny.adapter(folder / "step0", base, "step0", seed=1)
    tiny.adapter(folder / "dpo1", base, "dpo1", step0, seed=2)
    return folder


@pytest.fixture
def checkout(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import pandas as pd

    here = tmp_path / "checkout"
    (here / ".dvc").mkdir(parents=True)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, here / name)
    shutil.copytree(made, here / "models")
    monkeypatch.chdir(here)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    params = load_params()
    reports = pd.DataFrame(
        {
            "report_id": [f"report-{row:06d}" for row in range(len(TEXTS))],
            "text": TEXTS,
            "codes": [["J18"], ["I50", "I10"], ["I10"]],
            "keywords": [["pneumonie"], ["OAP", "HTA"], ["HTA"]],
            "language": "fr",
            "step": "dpo1",
            "seed": [1, 2, 2**60],
            "prompt": ["a", "b", "c"],
        }
    )
    summary = {
        "reports": 3, "distinct_codes": 3, "codes_per_report": 4 / 3, "words_per_report": 4.0,
        "distinct_share": 1.0, "cut_share": 0.0, "left_out_empty": 0,
    }  # fmt: skip
    files = policy_files(here / "models/base", adapter_chain(here / "models", "dpo1"))
    card.save(
        Synthesis(reports, summary), params.synthesize, here / "data/synthetic/dpo1", step="dpo1",
        language="fr", template="plain", source="demo", base_dir=here / "models/base",
        lineage=files.lineage, completed_from_codes=False, min_documents=5,
    )  # fmt: skip
    return here


@pytest.fixture
def audited(checkout: Path) -> Path:
    """With a privacy verdict, recorded in dvc.lock as that of this data set."""
    record_audit(checkout, AUDIT)
    return checkout


def of_verdict(verdict: int) -> dict[str, Any]:
    """Figures of an audit that ends so."""
    found = copy.deepcopy(AUDIT) | {"verdict": verdict}
    found["tests"]["copied_runs"]["verdict"] = verdict
    return found


def record_audit(checkout: Path, figures: dict[str, Any]) -> None:
    """Write figures of dpo1's audit, and dvc.lock as after it."""
    write_json("metrics/privacy/dpo1.json", figures)
    hashes = Hashes(Path(), checkout / ".hashes.json")
    data = {"path": "data/synthetic/dpo1", "md5": hashes.of("data/synthetic/dpo1")}
    code = {"path": "stages/synthesize.py", "md5": "0" * 32}
    written = {
        "path": "metrics/privacy/dpo1.json",
        "md5": hashes.of("metrics/privacy/dpo1.json"),
    }
    params = {"params.yaml": {"synthesize.temperature": 0.9}}
    stages = {
        "synthesize@dpo1": {"cmd": "x", "deps": [code], "params": params, "outs": [data]},
        "privacy@dpo1": {"cmd": "x", "deps": [data], "outs": [written]},
    }
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def record_round(stage: str, figures: dict[str, Any], **params: Any) -> None:
    """Write figures of dpo1's `stage` about its candidates, and dvc.lock as after it."""
    candidates, path = (
        Path("data/rounds/dpo1/candidates.parquet"),
        Path(f"metrics/{stage}/dpo1.json"),
    )
    candidates.parent.mkdir(parents=True, exist_ok=True)
    candidates.write_bytes(b"candidates")
    write_json(path, figures)
    hashes = Hashes(Path(), Path(".hashes.json"))
    read, written = ({"path": str(one), "md5": hashes.of(str(one))} for one in (candidates, path))
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    lock["stages"]["generate@dpo1"] = {"cmd": "x", "outs": [read]}
    lock["stages"][f"{stage}@dpo1"] = {
        "cmd": "x", "deps": [read], "params": {"params.yaml": params}, "outs": [written],
    }  # fmt: skip
    Path("dvc.lock").write_text(yaml.safe_dump(lock))


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """``synth-fr publish --step dpo1 --out <tmp>/out ...``."""

    def run(*options: str, step: str = "dpo1", out: Path | None = None) -> Result:
        place = out or tmp_path / "out"
        return CliRunner().invoke(app, ["publish", "--step", step, "--out", str(place), *options])

    return run
