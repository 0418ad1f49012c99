"""How long `synth-fr check-data` takes over large files, and how much memory.

``python -m benchmarks.check_data [--reports 50000] [--words 300] [--format csv]``

Makes as many public as private reports of random words (a vocabulary of 30 000, frequent words more
often), with patients, codes, and the codes' labels in the text, and runs the command on them in a
process of its own. Aims for 50 000 + 50 000 reports of 300 words: 3 minutes, 1.5 GiB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
CODES = {
    "I10": "hypertension artérielle",
    "E11.9": "diabète de type 2",
    "J18.9": "pneumopathie",
    "N39.0": "infection urinaire",
    "I50.1": "insuffisance cardiaque",
    "D64.9": "anémie",
    "K35.8": "appendicite aiguë",
    "G40.9": "épilepsie",
    "F32.2": "épisode dépressif sévère",
    "C50.9": "cancer du sein",
}
# the peak as the kernel knows it of this program alone: ru_maxrss counts what the parent held, too
_COMMAND = """
import atexit, re, sys
from pathlib import Path

status = Path("/proc/self/status")
peak = lambda: Path("peak").write_text(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
atexit.register(peak)
sys.argv = ["synth-fr", "check-data"]
from synthfr.pipeline.cli import app
app()
"""
_LETTERS = np.array(list("aaabcdeeeefghiilmnnoopqrrsssttuuvàéèçœ’"))


def main(
    reports: Annotated[int, typer.Option(help="Of each side.")] = 50_000,
    words: Annotated[int, typer.Option(help="Of each report.")] = 300,
    format: Annotated[str, typer.Option(help="csv, parquet or jsonl.")] = "csv",
) -> None:
    """Time the command on made-up files."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for seed, side in enumerate(("public", "private")):
            frame = _made(reports, words, seed)
            path = place / f"data/{side}/raw/reports.{format}"
            path.parent.mkdir(parents=True)
            write(frame, path)
        for name in ("dvc.yaml", "params.yaml"):
            shutil.copy(ROOT / name, place / name)
        codes = pd.DataFrame({"code": CODES.keys(), "label": CODES.values()})
        codes.to_csv(place / "codes.csv", index=False)
        _configure(place)
        started = time.monotonic()
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND], cwd=place, env=environment, check=False
        )
        seconds = time.monotonic() - started
        peak = int((place / "peak").read_text()) / 1024
    print(
        f"{reports} + {reports} reports of {words} words ({format}): {seconds:.1f} s, "
        f"peak {peak:.0f} MiB, exit status {done.returncode}"
    )


def _made(reports: int, words: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(0)  # one vocabulary for both sides
    vocabulary = np.array(
        ["".join(draw.choice(_LETTERS, size=draw.integers(2, 11))) for _ in range(30_000)],
        dtype=object,
    )
    draw = np.random.default_rng(seed + 1)
    rows = []
    for number in range(reports):
        codes = [list(CODES)[place] for place in draw.permutation(len(CODES))[:5]]
        chosen = vocabulary[(draw.random(words - 10) ** 3 * len(vocabulary)).astype(int)].tolist()
        for code in codes:
            chosen.insert(int(draw.integers(len(chosen))), CODES[code])
        rows.append(
            (f"{seed}-{number}", " ".join(chosen), ";".join(codes), f"{seed}-p{number // 2}")
        )
    return pd.DataFrame(rows, columns=["report_id", "text", "codes", "patient_id"])


def write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        frame.to_csv(path, index=False)


def _configure(place: Path) -> None:
    yaml = YAML()
    params = yaml.load(place / "params.yaml")
    params["seed"]["source"] = "files"
    params["seed"]["files"]["codes"]["path"] = "codes.csv"
    yaml.dump(params, place / "params.yaml")


if __name__ == "__main__":
    typer.run(main)
