"""A round judged by a real, if ignorant, model: valid for every candidate, equal after a kill."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthfr import judging, records
from synthfr.errors import UserError
from synthfr.judging.judgements import Judged
from tests import tiny
from tests.engines import misbehaving
from tests.judging import rounds

ROOT = Path(__file__).parents[2]
TEXTS = {
    "p0": ["Fièvre à 39, amoxicilline.", "HTA traitée. Sortie à domicile."],
    "p1": ["Voici le compte rendu demandé.", ""],
    "p2": ["Asthme stable.", "Asthme stable."],
}
SIZES = {"max_new_tokens": 60, "batch_size": 4, "chunk_size": 2, "temperature": 2.0}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("judge") / "model", context=6000)


def judge(model: Path | str, scratch: Path, seed: int = 7, **changes: Any) -> Judged:
    params = rounds.params(**({"model": str(model)} | SIZES | changes))
    return rounds.judge(rounds.tables(**TEXTS), params, scratch, seed=seed)


def test_every_candidate_is_rated(model: Path, tmp_path: Path) -> None:
    judged = judge(model, tmp_path)
    records.validate(judged.table, records.JUDGEMENTS, "judgements")
    table = judged.table.set_index(["prompt_id", "candidate"])
    assert table.index.tolist() == [(name, number) for name in TEXTS for number in (0, 1)]
    assert table.notna().all(axis=None) and table.loc[("p1", 1)].eq(0).all()
    asked = table.drop(("p1", 1))
    assert asked.to_numpy().min() >= 0 and asked.to_numpy().max() <= 1
    mean = asked[["language", "plausibility", "authenticity"]].mean(axis=1)
    assert asked["judge"].tolist() == pytest.approx(mean.tolist())
    assert asked["judge"].nunique() > 1
    measures = judged.measures
    assert (measures["candidates"], measures["blank"], measures["questions"]) == (6, 1, 5)
    assert measures["unparsable"] == 0
    assert measures["judge"]["mean"] == pytest.approx(table["judge"].mean())
    pd.testing.assert_frame_equal(judge(model, tmp_path / "again").table, judged.table)
    assert not judge(model, tmp_path / "other", seed=8).table.equals(judged.table)


def test_every_candidate_has_one_grade(model: Path, tmp_path: Path) -> None:
    judged = judge(model, tmp_path, kind="overall", max_new_tokens=40)
    records.validate(judged.table, records.JUDGEMENTS, "judgements")
    assert judged.table["judge"].between(0, 1).all() and judged.table["judge"].nunique() > 1
    assert judged.table["judge"][3] == 0 and judged.table["language"].isna().all()
    assert (judged.measures["unparsable"], judged.measures["questions"]) == (0, 5)


def test_candidates_are_compared(model: Path, tmp_path: Path) -> None:
    judged = judge(model, tmp_path, kind="pairwise")
    records.validate(judged.table, records.JUDGEMENTS, "judgements")
    assert judged.measures["questions"] == 2 and judged.measures["identical"] == 1
    scores = judged.table["judge"].tolist()
    assert scores[0] + scores[1] == 1 and scores[2:] == [1.0, 0.0, 0.5, 0.5]
    assert judged.table["language"].isna().all()


def test_a_judge_that_is_not_held_to_the_schema_fails(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: the same model, its answers free."""
    from synthfr.engines.transformers import sampling

    make = sampling.Sampler.__init__
    monkeypatch.setattr(
        sampling.Sampler, "__init__", lambda self, asked, device, _: make(self, asked, device)
    )
    with pytest.raises(UserError, match=r"5 of 5 questions \(100\.0%\) in no usable form"):
        judge(model, tmp_path)


def test_answers_cut_short_are_told(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\(5 were cut at judge\.max_new_tokens\)"):
        judge(model, tmp_path, max_new_tokens=10)


def test_one_load_for_all_candidates(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthfr import models

    loads, load = [], models.load
    monkeypatch.setattr(models, "load", lambda files: loads.append(files.name) or load(files))
    judge(model, tmp_path, kind="pairwise")
    assert loads == [str(model)]


def test_a_served_judge_is_asked_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '{"language": 8, "plausibility": 7, "authenticity": 6}'
    monkeypatch.setattr(misbehaving, "answer_to", lambda prompt: answer)
    with misbehaving.Misbehaving(models=[{"id": "big/judge"}]) as server:
        judged = judge("big/judge", tmp_path, engine="openai", base_url=server.url)
    assert judged.table["judge"].tolist() == pytest.approx([0.7, 0.7, 0.7, 0.0, 0.7, 0.7])
    assert len(server.asked) == 5  # the blank one is not worth a question
    for body in server.asked:
        assert body["model"] == "big/judge" and body["messages"][0]["role"] == "user"
        assert body["response_format"]["type"] == "json_schema"


def test_no_judge_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthfr.engines.asking.lazy_engine", None)
    judged = judge("nowhere", tmp_path, kind="none")
    records.write_table(judged.table, tmp_path / "out.parquet", records.JUDGEMENTS)
    back = records.read_table(tmp_path / "out.parquet", records.JUDGEMENTS)
    assert len(back) == 6 and back["judge"].isna().all()
    assert (judged.measures["judged"], judged.measures["judge"]["mean"]) == (0, None)
    with pytest.raises(UserError, match=r"judge\.model: 'nowhere' is neither"):  # the control
        judge("nowhere", tmp_path)


def test_no_judge_no_heavy_library() -> None:
    code = (
        "import sys; from pathlib import Path; from tests.judging import rounds;"
        "rounds.judge(rounds.tables(p=['a']), rounds.params(kind='none'), Path());"
        "print([m for m in ('torch', 'transformers', 'vllm', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_candidates_of_other_prompts_are_told(tmp_path: Path) -> None:
    candidates, prompts = rounds.tables(**TEXTS)
    asked, engine = rounds.respondent(lambda _: "", tmp_path)
    with pytest.raises(UserError, match=r"1 prompt_id .*'p1'.*generate again"):
        judging.judge(candidates, prompts[prompts["prompt_id"] != "p1"], "score", asked)
    assert engine.calls == []


def write(model: Path, scratch: Path, out: Path) -> None:
    records.write_table(judge(model, scratch, chunk_size=1).table, out, records.JUDGEMENTS)


@pytest.mark.slow
def test_killed_and_resumed_is_the_same(model: Path, tmp_path: Path) -> None:
    write(model, tmp_path / "whole", tmp_path / "whole.parquet")
    scratch, out = tmp_path / "scratch", tmp_path / "out.parquet"
    child = subprocess.Popen(
        [sys.executable, __file__, str(model), str(scratch), str(out)],
        cwd=ROOT,
        env={"PYTHONPATH": ".", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    deadline = time.monotonic() + 120
    while not any(scratch.rglob("chunk-*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    kept = {file: file.stat().st_mtime_ns for file in scratch.rglob("chunk-*")}
    assert 1 <= len(kept) < 5 and not out.exists()
    write(model, scratch, out)
    assert all(file.stat().st_mtime_ns == written for file, written in kept.items())
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:]))
