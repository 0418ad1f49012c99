"""SIGKILL in the middle of a generation: what is done is kept, the end is the same to the byte."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from synthfr import generation, records
from synthfr.engines.transformers.transformers_engine import TransformersEngine
from synthfr.generation.candidates import Generate
from synthfr.models import load_policy
from tests import tiny

N_PROMPTS, CHUNKS = 24, 12


def generate(base: Path, scratch: Path, out: Path) -> None:
    """What the stage does, on a tiny model."""
    params = Generate(
        engine="transformers", temperatures=[0.7, (0.6, 1.1)], top_p=0.95, top_k=0,
        max_new_tokens=30, batch_size=2 * N_PROMPTS // CHUNKS, chunk_size=2 * N_PROMPTS // CHUNKS,
    )  # fmt: skip
    prompts = pd.DataFrame(
        {
            "prompt_id": [f"p{i}" for i in range(N_PROMPTS)],
            "keywords": [["fièvre"]] * N_PROMPTS,
            "prompt": [f"Compte rendu {'de ' * (i % 7)}{i}" for i in range(N_PROMPTS)],
            "language": "fr",
        }
    )
    scratch.mkdir(exist_ok=True)
    engine = TransformersEngine(load_policy(base, []), params.batch_size)
    requests = generation.candidate_requests(
        prompts, params, round_name="dpo1", n_prompts=N_PROMPTS, random_seed=0
    )
    table = generation.candidates(requests, engine, params.chunk_size, scratch)
    records.write_table(table, out, records.CANDIDATES)


@pytest.mark.slow
def test_killed_and_resumed_is_the_same(tmp_path: Path) -> None:
    base = tiny.base(tmp_path / "base")
    generate(base, tmp_path / "whole", tmp_path / "whole.parquet")
    generate(base, tmp_path / "twice", tmp_path / "twice.parquet")

    scratch, out = tmp_path / "scratch", tmp_path / "out.parquet"
    child = subprocess.Popen(
        [sys.executable, __file__, str(base), str(scratch), str(out)],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": ".", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    deadline = time.monotonic() + 300
    while not any(scratch.glob("chunk-*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    kept = {file: file.stat().st_mtime_ns for file in scratch.glob("chunk-*")}
    assert 1 <= len(kept) < CHUNKS
    assert not out.exists()

    generate(base, scratch, out)
    assert all(file.stat().st_mtime_ns == written for file, written in kept.items())
    whole = (tmp_path / "whole.parquet").read_bytes()
    assert out.read_bytes() == whole == (tmp_path / "twice.parquet").read_bytes()


if __name__ == "__main__":
    generate(*map(Path, sys.argv[1:]))
