"""Scores that should teach nothing: another prompt's document, and shuffled candidates."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records, scoring, seeding
from synthfr.disk import read_yaml
from synthfr.errors import UserError
from synthfr.pipeline.parameters import parse
from synthfr.scoring.controls import shuffled, wrong_documents
from tests.scoring import toy

SHIPPED = Path(__file__).parents[2] / "params.yaml"


def ids(n: int) -> list[str]:
    return [f"p{number}" for number in range(n)]


def fixed_points(found: dict[str, str]) -> list[str]:
    return [one for one, other in found.items() if one == other]


@pytest.mark.parametrize("n", [2, 3, 4, 50])
def test_no_prompt_keeps_its_document(n: int) -> None:
    for seed in range(50):
        found = wrong_documents(ids(n), seed, "dpo1")
        assert sorted(found) == sorted(found.values()) == sorted(ids(n))
        assert not fixed_points(found)


def test_a_plain_permutation_would_keep_some() -> None:
    """Negative control."""
    kept = []
    for seed in range(50):
        order = seeding.rng(seed, "plain").permutation(4)
        kept += fixed_points({f"p{one}": f"p{other}" for one, other in enumerate(order)})
    assert kept


def test_the_order_of_prompts_does_not_matter_but_seed_and_round_do() -> None:
    found = wrong_documents(ids(20), 0, "dpo1")
    assert wrong_documents([*reversed(ids(20)), "p3"], 0, "dpo1") == found
    assert wrong_documents(ids(20), 1, "dpo1") != found != wrong_documents(ids(20), 0, "dpo2")


def test_one_prompt_has_no_other() -> None:
    with pytest.raises(UserError, match=r"at least two prompts in round 'dpo1', which has 1"):
        wrong_documents(["p0", "p0"], 0, "dpo1")


# --- as part of the score ---------------------------------------------------------------------

# two copies of the own document, and little else, for each prompt
CANDIDATES = toy.candidates(
    *(
        row
        for key, text in zip(toy.IDS, toy.PRIVATE, strict=True)
        for row in (
            (key, 0, text),
            (key, 1, "HTA"),
            (key, 2, "œdème aigu, fièvre"),
            (key, 3, text.replace("HTA", "OMI")),
        )
    )
)
JUDGED = tuple(round(float(one), 3) for one in np.linspace(0, 1, len(CANDIDATES)))
PARTS = records.SCORES.schema.names[2:]


def scored(
    control: str, candidates: pd.DataFrame = CANDIDATES, round_name: str = "dpo1", **changes: Any
) -> scoring.Scored:
    return toy.score(
        candidates,
        toy.keyed(),
        toy.prompts(),
        toy.judgements(CANDIDATES[: len(candidates)], *JUDGED[: len(candidates)]),
        toy.params(control=control, window_tokens=100, **changes),
        round_name=round_name,
    )


def rows_of(scores: pd.DataFrame) -> dict[str, list[tuple[float, ...]]]:
    """All score columns of each prompt's candidates, in their order."""
    return {
        str(key): list(rows[PARTS].fillna(-9).itertuples(index=False, name=None))
        for key, rows in scores.groupby("prompt_id")
    }


def test_wrong_documents_are_compared_with() -> None:
    right, wrong = scored("none").scores, scored("wrong_document").scores
    copies = right["candidate"] == 0
    assert right["similarity"][copies].min() > 0.999 and right["bleu"][copies].min() > 0.999
    assert wrong["similarity"][copies].max() < 0.6 and wrong["bleu"][copies].max() < 0.6
    for part in ("keyword_recall", "judge"):  # of the prompt and of the candidate alone
        pd.testing.assert_series_equal(right[part], wrong[part])
    other = wrong_documents(toy.IDS, 7, "dpo1")
    lent = toy.candidates(*((key, 0, toy.PRIVATE[toy.IDS.index(other[key])]) for key in toy.IDS))
    judgements = toy.judgements(lent)
    params = toy.params(control="wrong_document", window_tokens=100)
    found = toy.score(lent, toy.keyed(), toy.prompts(), judgements, params).scores
    assert found["similarity"].min() > 0.999  # a copy of the document that was drawn


def test_shuffled_keeps_each_prompts_scores_as_rows() -> None:
    plain, moved = scored("none").scores, scored("shuffled").scores
    assert moved.columns.equals(plain.columns)
    assert moved[["prompt_id", "candidate"]].equals(plain[["prompt_id", "candidate"]])
    before, after = rows_of(plain), rows_of(moved)
    assert {key: sorted(rows) for key, rows in before.items()} == {
        key: sorted(rows) for key, rows in after.items()
    }
    changed = [key for key in before if before[key] != after[key]]
    assert len(changed) >= 4  # of six; each stays as it is once in 24
    orders = {tuple(before[key].index(row) for row in after[key]) for key in before}
    assert len(orders) > 1  # not one order for all prompts
    records.validate(moved, records.SCORES, "scores")


def test_shuffling_depends_on_seed_round_and_prompt_alone() -> None:
    once = scored("shuffled").scores
    mixed = scored("shuffled", CANDIDATES.sample(frac=1, random_state=4)).scores
    pd.testing.assert_frame_equal(once, mixed, check_exact=True)
    assert rows_of(once) != rows_of(scored("shuffled", round_name="dpo2").scores)
    fewer = rows_of(scored("shuffled", CANDIDATES[:8]).scores)
    plain, plain_fewer = scored("none").scores, scored("none", CANDIDATES[:8]).scores
    for key in ("p0", "p1"):
        all_order, own_order = (
            [before[key].index(row) for row in after[key]]
            for before, after in (
                (rows_of(plain), rows_of(once)),
                (rows_of(plain_fewer), fewer),
            )
        )
        assert all_order == own_order
    table = scored("none").scores
    assert not shuffled(table, 1, "dpo1").equals(shuffled(table, 2, "dpo1"))


def test_an_unjudged_candidate_stays_one_row() -> None:
    """Nulls move with the rest of their row."""
    table = scored("none").scores
    table.loc[table["candidate"] == 1, ["judge", "total"]] = np.nan
    moved = shuffled(table, 7, "dpo1")
    assert moved["judge"].isna().equals(moved["total"].isna())
    assert (moved["judge"].isna().groupby(moved["prompt_id"]).sum() == 1).all()
    assert not moved["judge"].isna().equals(table["judge"].isna())
    assert set(map(str, moved.dtypes[2:])) == {"float32"}


@pytest.mark.parametrize("control", ["shuffled", "wrong_document"])
def test_the_measures_say_which_control_was_on(control: str) -> None:
    assert scored(control).measures["control"] == {control: 1}
    assert "control" not in scored("none").measures


def test_wrong_documents_mean_nothing_to_a_discriminator() -> None:
    data = read_yaml(SHIPPED)
    assert data["score"]["control"] == "none"
    data["score"]["evaluator"]["kind"] = "discriminator"
    data["score"]["control"] = "shuffled"
    parse(data, "my.yaml")
    data["score"]["control"] = "wrong_document"
    with pytest.raises(UserError, match=r"score: control 'wrong_document' means nothing to"):
        parse(data, "my.yaml")
    data["score"]["evaluator"]["kind"] = "local"
    parse(data, "my.yaml")
    data["score"] |= {"control": "wrong"}
    with pytest.raises(UserError, match=r"score\.control: Input should be 'none', 'shuffled'"):
        parse(data, "my.yaml")


def test_a_discriminators_scores_can_be_shuffled() -> None:
    plain, moved = (scored(control, kind="discriminator") for control in ("none", "shuffled"))
    assert rows_of(plain.scores) != rows_of(moved.scores)
    assert plain.measures | {"control": {"shuffled": 1}} == moved.measures
