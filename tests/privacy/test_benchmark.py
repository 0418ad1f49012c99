"""The benchmark of the n-gram audits runs, and finds rouge-score's matches."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.privacy.corpora import frame, random_texts

pytestmark = pytest.mark.slow


def test_equal_to_rouge_score(tmp_path: Path) -> None:
    sentences = [f"{text}." for text in random_texts(30, 0, 9)]
    frame(sentences, "r").to_parquet(tmp_path / "reports.parquet")
    command = [sys.executable, "-m", "benchmarks.overlap", str(tmp_path / "reports.parquet")]
    command += ["--texts", "30", "--words", "40", "--compared", "5"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.search(r"[\d.]+ times as fast .* equal: 5 of 5", told)
