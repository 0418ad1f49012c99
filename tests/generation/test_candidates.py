"""Candidates of a round: which prompts, which temperatures, which seeds."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records
from synthfr.errors import UserError
from synthfr.generation import candidate_requests, candidates, candidates_summary
from synthfr.generation.candidates import Generate, sample_ids
from tests.engines.fake import FakeEngine

PROMPTS = pd.DataFrame(
    {
        "prompt_id": [f"p{i:02}" for i in range(20)],
        "keywords": [["fièvre"]] * 20,
        "prompt": [f"demande {i}" for i in range(20)],
        "language": "fr",
    }
)


def params(**changed: Any) -> Generate:
    given = {
        "engine": "transformers", "temperatures": [0.7, 0.9], "top_p": 0.95, "top_k": 0,
        "max_new_tokens": 50, "batch_size": 8, "chunk_size": 8,
    }  # fmt: skip
    return Generate.model_validate(given | changed)


def run(folder: Path, prompts: pd.DataFrame = PROMPTS, **changed: Any) -> pd.DataFrame:
    given = {"round_name": "dpo1", "n_prompts": 6, "random_seed": 3} | changed
    plan = given.pop("plan", params())
    engine = given.pop("engine", FakeEngine())
    folder.mkdir(exist_ok=True)
    return candidates(candidate_requests(prompts, plan, **given), engine, plan.chunk_size, folder)


def test_every_entry_of_the_plan_is_a_candidate(tmp_path: Path) -> None:
    table = run(tmp_path)
    records.validate(table, records.CANDIDATES, "candidates")
    assert table["prompt_id"].is_monotonic_increasing
    assert table.groupby("prompt_id")["candidate"].apply(list).tolist() == [[0, 1]] * 6
    assert table["temperature"].tolist() == [float(np.float32(t)) for t in (0.7, 0.9)] * 6
    assert table["seed"].nunique() == 12


def test_what_is_recorded_is_what_the_engine_was_given(tmp_path: Path) -> None:
    engine = FakeEngine()
    table = run(tmp_path, engine=engine, plan=params(temperatures=[0.2, (0.6, 0.9), (0.6, 0.9)]))
    given = {one.id: one for call in engine.calls for one in call}
    records.write_table(table, tmp_path / "c.parquet", records.CANDIDATES)
    for row in records.read_table(tmp_path / "c.parquet", records.CANDIDATES).itertuples():
        asked = given[f"{row.prompt_id}/{row.candidate}"]
        recorded = int(row.seed), float(row.temperature), float(row.top_p)
        assert recorded == (asked.seed, asked.temperature, asked.top_p)
        assert (asked.top_k, asked.max_new_tokens) == (0, 50)


def test_ranges_are_drawn_per_candidate(tmp_path: Path) -> None:
    table = run(tmp_path, n_prompts=20, plan=params(temperatures=[0.2, (0.6, 0.9)]))
    drawn = table.loc[table["candidate"] == 1, "temperature"]
    assert drawn.between(0.6 - 1e-6, 0.9 + 1e-6).all()
    assert drawn.nunique() > 10
    assert (table.loc[table["candidate"] == 0, "temperature"] == float(np.float32(0.2))).all()


def test_ranges_may_be_drawn_once_a_column(tmp_path: Path) -> None:
    """Two columns of one range have a temperature each, another in each round."""
    plan = params(temperatures=[0.2, (0.5, 1.5), (0.5, 1.5)], temperature_draws="column")
    drawn = {
        name: run(tmp_path / name, n_prompts=20, plan=plan, round_name=name)
        .groupby("candidate")["temperature"]
        .unique()
        for name in ("dpo1", "dpo2")
    }
    for columns in drawn.values():
        assert [len(values) for values in columns] == [1, 1, 1]
        assert columns[0][0] == float(np.float32(0.2))
        assert all(0.5 <= columns[number][0] <= 1.5 for number in (1, 2))
        assert columns[1][0] != columns[2][0]
    assert drawn["dpo1"][1][0] != drawn["dpo2"][1][0]


def test_every_round_may_have_the_tables_first_prompts(tmp_path: Path) -> None:
    first = params(prompt_choice="first")
    shuffled = PROMPTS.sample(frac=1, random_state=1)
    tables = [
        run(tmp_path / name, prompts, plan=first, round_name=name)
        for name, prompts in (("dpo1", PROMPTS), ("dpo2", shuffled))
    ]
    for table in tables:
        assert table["prompt_id"].unique().tolist() == [f"p{i:02}" for i in range(6)]
    assert not set(tables[0]["seed"]) & set(tables[1]["seed"])
    drawn = run(tmp_path / "drawn")  # the control
    assert set(drawn["prompt_id"]) != set(tables[0]["prompt_id"])


def test_rounds_have_their_own_prompts_and_seeds(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path, round_name="dpo2")
    assert set(first["prompt_id"]) != set(second["prompt_id"])
    assert not set(first["seed"]) & set(second["seed"])
    assert run(tmp_path / "other", random_seed=4)["seed"].tolist() != first["seed"].tolist()


def test_the_sample_does_not_depend_on_row_order_or_size(tmp_path: Path) -> None:
    shuffled = PROMPTS.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(run(tmp_path), run(tmp_path / "b", shuffled))
    few, more = (sample_ids(PROMPTS["prompt_id"].tolist(), n, 0, "dpo1") for n in (5, 9))
    assert set(few) < set(more)


def test_fewer_prompts_than_asked_for_are_all_used(tmp_path: Path) -> None:
    table = run(tmp_path, n_prompts=99)
    assert candidates_summary(table)["prompts"] == 20


def test_no_prompts_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no prompts.*keywords\.min_documents"):
        run(tmp_path, PROMPTS.iloc[:0])


def test_a_falling_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"range \[0\.9, 0\.6\] as \[low, high\]"):
        params(temperatures=[0.2, (0.9, 0.6)])


def test_summary_by_hand() -> None:
    table = pd.DataFrame(
        {
            "prompt_id": ["a", "a", "b", "b"],
            "text": ["x y z w", "x y z w", " ", "y"],
            "n_tokens": [1, 1, 0, 4],
            "finish_reason": ["stop", "stop", "stop", "length"],
        }
    )
    assert candidates_summary(table) == {
        "prompts": 2, "candidates": 4, "tokens": 6, "tokens_per_candidate": 1.5,
        "cut_share": 0.25, "empty": 1, "distinct_share": 0.75,
        "prompt_self_bleu": pytest.approx(0.5), "prompt_distinct_2_words": 0.25,
    }  # fmt: skip
    alone = candidates_summary(table.iloc[[0, 2]])
    assert "prompt_self_bleu" not in alone and alone["prompts"] == 2


@pytest.mark.parametrize(("wanted", "told"), [(21, True), (20, False)])
def test_fewer_prompts_than_asked_for_are_told(
    wanted: int, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = candidate_requests(
        PROMPTS, params(), round_name="dpo1", n_prompts=wanted, random_seed=3
    )
    assert len(asked) == 2 * len(PROMPTS)
    assert ("asks for 21 prompts" in capsys.readouterr().err) == told
