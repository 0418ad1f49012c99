"""The judge through the vLLM engine: the same schema, and greedily the same grades."""

from pathlib import Path

import pandas as pd
import pytest

from synthfr import records
from synthfr.judging.judgements import Judged
from tests import tiny
from tests.judging import rounds
from tests.judging.test_judge import TEXTS

pytestmark = [pytest.mark.vllm, pytest.mark.slow]


def judge(model: Path, scratch: Path, engine: str, **changes: object) -> Judged:
    sizes = {"max_new_tokens": 60, "batch_size": 8, "chunk_size": 100}
    params = rounds.params(**({"model": str(model), "engine": engine} | sizes | changes))
    # the CPU build takes this for a share of the RAM
    room = {"gpu_memory_utilization": 0.15, "max_model_len": 4096}
    return rounds.judge(rounds.tables(**TEXTS), params, scratch, **room)


def test_vllm_judges_as_transformers_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vllm", reason="vLLM is not installed")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    model = tiny.save_model(tmp_path / "model", context=6000, hidden=128)  # it wants heads of 32
    for kind in ("score", "overall", "pairwise"):
        tables = [
            judge(model, tmp_path / engine, engine, kind=kind, temperature=0.0).table
            for engine in ("transformers", "vllm")
        ]
        pd.testing.assert_frame_equal(*tables)
    hot = judge(model, tmp_path / "hot", "vllm", temperature=2.0)
    records.validate(hot.table, records.JUDGEMENTS, "judgements")
    assert hot.measures["unparsable"] == 0 and hot.table["judge"].nunique() > 2
