"""A folder to run the first two stages in: small files of a user's own, no tracking."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from synthfr.disk import read_yaml
from synthfr.pipeline import tracking

ROOT = Path(__file__).parents[2]
CANARY = "zqxcanari"
PRIVATE = Path("data/private/raw/reports.parquet")  # the only place in a checkout
SENTENCES = {
    "I10": ("HTA connue", "hypertension artérielle traitée"),
    "D64": ("anémie profonde", "une anémie"),
    "I50": ("poussée d'insuffisance cardiaque", "insuffisance cardiaque stable"),
}


class Untracked:
    @contextmanager
    def run(self, *_: Any) -> Iterator["Untracked"]:
        yield self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("log_"):
            raise AttributeError(name)
        return lambda *_: None


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change into `folder`, with params.yaml for source ``files`` and the files it names."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tracking, "open_tracker", lambda *_: Untracked())
    for variable in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(variable, os.environ[variable])  # the runner sets them
    _reports("pub", 12, "Patient suivi").to_parquet("public.parquet")
    PRIVATE.parent.mkdir(parents=True)
    _reports("priv", 40, CANARY).to_parquet(PRIVATE)
    codes = {"I10": "Hypertension artérielle", "D64": "Anémie", "I50": "Insuffisance cardiaque"}
    pd.DataFrame({"code": codes.keys(), "label": codes.values()}).to_csv("codes.csv", index=False)
    change(
        runtime={"threads": 1},
        seed={
            "source": "files",
            "files": {
                "public": {"path": "public.parquet", "columns": {}},
                "private": {"path": str(PRIVATE), "columns": {}},
                "codes": {"path": "codes.csv", "columns": {}},
                "list_separator": ";",
                "holdout_share": 0.3,
            },
        },
    )


def change(**sections: dict[str, Any]) -> None:
    """Overwrite keys of sections of params.yaml, made from the shipped one."""
    path = Path("params.yaml")
    params = read_yaml(path if path.exists() else ROOT / "params.yaml")
    for name, values in sections.items():
        params[name] |= values
    path.write_text(json.dumps(params))


def run(stage: str, *arguments: str) -> Result:
    return CliRunner().invoke(import_module(f"stages.{stage}").app.typer, list(arguments))


def outputs() -> dict[str, str]:
    """Digest of every output by path; timings are none."""
    return {
        str(path): sha256(path.read_bytes()).hexdigest()
        for folder in ("data", "metrics")
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path != PRIVATE
    }


def _reports(prefix: str, count: int, opening: str) -> pd.DataFrame:
    rows = []
    for number in range(count):
        codes = list(SENTENCES)[number % 3 :][:2]
        facts = ". ".join(SENTENCES[code][number % 2] for code in codes)
        rows.append(
            {
                "report_id": f"{prefix}{number}",
                "text": f"{opening} {number}. {facts}.",
                "codes": codes,
                "patient_id": f"{prefix}-patient{number // 2}",
            }
        )
    return pd.DataFrame(rows)
