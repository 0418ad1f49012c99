"""Nothing but ids and what the mode names passes the gate."""

import json

import numpy as np
import pandas as pd
import pytest

from synthfr.errors import UserError
from synthfr.preferences import Pair
from synthfr.records import ORDERS, SCORES, validate
from synthfr.scoring.coarse import MIN_PROMPTS
from synthfr.scoring.release import NotReleasable, Released, release
from synthfr.scoring.release.gate import orders_may_leave, scores_may_leave
from synthfr.scoring.release.order import without_few
from tests.scoring import toy

CANDIDATES = toy.candidates(("p0", 0, "a"), ("p0", 1, "b")).assign(n_tokens=9, finish_reason="stop")
PARTS = [name for name in SCORES.schema.names if name not in ("prompt_id", "candidate", "total")]

CHOICE = {"best": 0, "chosen": 0, "rejected": 1}


@pytest.fixture
def scores() -> pd.DataFrame:
    frame = CANDIDATES[["prompt_id", "candidate"]].copy()
    for name in SCORES.schema.names[2:]:
        frame[name] = np.array([0.5, np.nan if "judge" in name else -1.0], dtype=np.float32)
    return frame


@pytest.fixture
def orders() -> pd.DataFrame:
    numbers = {name: pd.array([one], dtype="Int8") for name, one in CHOICE.items()}
    return pd.DataFrame({"prompt_id": ["p0"], **numbers})


def released(
    scores: pd.DataFrame, candidates: pd.DataFrame, way: str, **changes: object
) -> Released:
    return release(
        scores, candidates, toy.params(release=way, **changes), Pair(), 0, min_documents=5
    )


# --- scores -----------------------------------------------------------------------------------


def passed(scores: pd.DataFrame) -> pd.DataFrame:
    return scores_may_leave(scores, CANDIDATES, PARTS)


def test_scores_pass_unchanged(scores: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(passed(scores), scores)


def test_a_text_column_does_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="other columns"):
        passed(scores.assign(text="Madame Martin"))


def test_texts_in_a_score_column_do_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="'bleu'") as error:
        passed(scores.assign(bleu=["Madame Martin", "0.1"]))
    assert "Martin" not in str(error.value)


def test_wide_numbers_do_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="float64"):
        passed(scores.astype({"total": "float64"}))
    with pytest.raises(NotReleasable, match="outside"):
        passed(scores.assign(total=np.array([1e9, 0], dtype=np.float32)))


@pytest.mark.parametrize("ids", [["p0", "Madame Martin"], ["p0", "p0 "]])
def test_texts_in_ids_do_not_pass(scores: pd.DataFrame, ids: list[str]) -> None:
    with pytest.raises(NotReleasable, match="other ids") as error:
        passed(scores.assign(prompt_id=ids))
    assert "Martin" not in str(error.value)


def test_doubled_and_missing_rows_do_not_pass(scores: pd.DataFrame) -> None:
    for rows in ([0, 0, 1], [0]):
        with pytest.raises(NotReleasable, match="other ids"):
            passed(scores.iloc[rows])


def test_an_order_of_rows_does_not_pass(scores: pd.DataFrame) -> None:
    """It could be that of the totals."""
    with pytest.raises(NotReleasable, match="not sorted"):
        passed(scores.iloc[::-1])


def test_a_part_without_a_weight_does_not_pass(scores: pd.DataFrame) -> None:
    with pytest.raises(NotReleasable, match="'bleu' has values, and no weight"):
        scores_may_leave(scores, CANDIDATES, [name for name in PARTS if name != "bleu"])


# --- orders -----------------------------------------------------------------------------------


def test_orders_pass_unchanged(orders: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(orders_may_leave(orders, CANDIDATES), orders)
    nothing = orders.assign(**dict.fromkeys(orders.columns[1:], pd.array([None], dtype="Int8")))
    orders_may_leave(nothing, CANDIDATES)


def number(one: object, dtype: str = "Int8") -> object:
    return pd.array([one], dtype=dtype)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"prompt_id": ["p9"]}, "other ids"),
        ({"note": ["Madame Martin"]}, "other columns"),
        ({"best": number(2)}, "'best' has numbers of no candidate"),
        ({"chosen": number(2)}, "'chosen' has numbers of no candidate"),
        ({"rejected": number(-1)}, "'rejected' has numbers of no candidate"),
        ({"best": number(0, "Int64")}, "'best' is Int64"),
        ({"best": [0.0]}, "'best' is float64"),
        ({"best": ["Madame Martin"]}, "'best' is"),
        ({"rejected": number(None)}, "one side of a pair"),
        ({"chosen": number(None)}, "one side of a pair"),
        ({"rejected": number(0)}, "with itself"),
    ],
)
def test_nothing_but_candidates_of_the_prompt_passes(
    orders: pd.DataFrame, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(NotReleasable, match=complaint) as error:
        orders_may_leave(orders.assign(**change), CANDIDATES)
    assert "Martin" not in str(error.value)


def test_missing_doubled_and_unsorted_prompts_do_not_pass(orders: pd.DataFrame) -> None:
    more = pd.concat([CANDIDATES, CANDIDATES.assign(prompt_id="p1")])
    both = pd.concat([orders, orders.assign(prompt_id="p1")])
    orders_may_leave(both, more)  # the control
    with pytest.raises(NotReleasable, match="not sorted"):
        orders_may_leave(both.iloc[::-1], more)
    for table in (orders, both.iloc[[0, 0, 1]]):
        with pytest.raises(NotReleasable, match="other ids"):
            orders_may_leave(table, more)


# --- what leaves ------------------------------------------------------------------------------


def round_of(n_prompts: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All scores (every part other than the total) and candidates."""
    rows = [
        (f"p{prompt:03d}", one, f"texte {prompt} {one}")
        for prompt in range(n_prompts)
        for one in (0, 1)
    ]
    candidates = toy.candidates(*rows).assign(n_tokens=9, finish_reason="stop")
    scores = candidates[["prompt_id", "candidate"]].copy()
    rng = np.random.default_rng(5)
    for name in SCORES.schema.names[2:]:
        scores[name] = rng.random(len(scores)).astype(np.float32)
    return scores, candidates


def test_raw_lets_out_what_makes_the_total_and_nothing_else() -> None:
    scores, candidates = round_of(3)
    done = released(scores, candidates, "raw", weights={"keyword_recall": 1})
    validate(done.table, SCORES, "scores")
    for name in ("similarity", "keyword_recall", "total"):
        pd.testing.assert_series_equal(done.table[name], scores[name])
        assert done.measures[name]["mean"] == pytest.approx(scores[name].mean())
    for name in ("judge", "similarity_judge", "bleu"):
        assert done.table[name].isna().all() and name not in done.measures
    totals = scores["total"].to_numpy().reshape(3, 2)
    assert done.measures["spread"] == pytest.approx(np.ptp(totals, axis=1).mean())
    assert "leave as numbers" in done.told
    assert scores["bleu"].notna().all()  # the private table is left as it is


def test_order_lets_out_the_choice_and_coarse_figures_of_the_round() -> None:
    scores, candidates = round_of(MIN_PROMPTS)
    done = released(scores, candidates, "order")
    validate(done.table, ORDERS, "orders")
    assert done.kind is ORDERS and set(done.measures) == {"counts", "total"}
    assert done.measures["total"] == {"mean": round(float(scores["total"].mean()), 2)}
    best = scores.loc[scores.groupby("prompt_id")["total"].idxmax(), "candidate"]
    assert done.table["best"].tolist() == best.tolist()
    assert all(isinstance(one, int) for one in done.measures["counts"].values())
    few = released(*round_of(MIN_PROMPTS - 1), "order")
    assert few.measures["total"] == {"mean": None}


def test_counts_of_few_prompts_stay() -> None:
    """Of 120 prompts four have no pair, for want of a margin."""
    scores, candidates = round_of(120)
    totals = np.tile(np.float32([0.9, 0.1]), (120, 1))
    totals[:4] = (0.5, 0.499)
    changed = scores.assign(total=totals.reshape(-1))
    done = released(changed, candidates, "order")
    counts = done.measures["counts"]
    # the one alone would follow from the pairs: 120 - 116
    assert (counts["pairs"], counts["dropped_margin"], counts["dropped_tie"]) == (116, None, None)
    assert counts["dropped_length"] == 0 and "dropped_margin few" in done.told
    json.dumps(done.measures)


@pytest.mark.parametrize(
    ("reasons", "shown"),
    [
        ((0, 0, 0, 0), (0, 0, 0, 0)),
        ((0, 5, 60, 0), (0, 5, 60, 0)),
        ((0, 4, 60, 0), (0, None, None, 0)),
        ((0, 4, 6, 60), (0, None, None, 60)),
        ((0, 4, 3, 60), (0, None, None, 60)),
        ((0, 4, 0, 0), (None, None, 0, 0)),
    ],
)
def test_a_reason_that_is_not_told_does_not_follow(
    reasons: tuple[int, ...], shown: tuple[int | None, ...]
) -> None:
    names = ("dropped_tie", "dropped_margin", "dropped_length", "dropped_cap")
    others = {"prompts": 100, "dropped_single": 2, "chosen_unfinished": 1, "not_best_worst": 5}
    found = without_few({**others, **dict(zip(names, reasons, strict=True))}, 5)
    assert tuple(found[name] for name in names) == shown
    # the candidates and the orders tell these
    assert {name: found[name] for name in others} == others
    assert without_few({"not_best_worst": 4}, 5) == {"not_best_worst": None}
    assert without_few({"not_best_worst": 4}, 1) == {"not_best_worst": 4}  # nothing is few


@pytest.mark.parametrize("way", ["order", "raw"])
def test_what_has_no_weight_changes_nothing_that_leaves(way: str) -> None:
    """Neither table nor figures nor what is printed hangs on BLEU or any other part at weight 0."""
    scores, candidates = round_of(MIN_PROMPTS)
    others = [name for name in PARTS if name != "similarity"]
    changed = scores.assign(**{name: scores[name][::-1].to_numpy() for name in others})
    one, other = (released(table, candidates, way) for table in (scores, changed))
    pd.testing.assert_frame_equal(one.table, other.table)
    assert (one.measures, one.told) == (other.measures, other.told)
    assert not [name for name in others if f'"{name}"' in json.dumps(one.measures)]
    # the control: with a weight it leaves, where floats do
    raw = released(scores, candidates, "raw", weights={"bleu": 1})
    assert raw.table["bleu"].notna().all() and "bleu" in raw.measures


@pytest.mark.parametrize("way", ["order", "raw"])
def test_scores_of_other_candidates(scores: pd.DataFrame, way: str) -> None:
    with pytest.raises(UserError, match=r"candidate 1 of prompt 'p0' has no score: run this"):
        released(scores.iloc[:1], CANDIDATES, way)
    with pytest.raises(UserError, match=r"candidate 0 of prompt 'p0' is scored but not among"):
        released(scores, CANDIDATES.iloc[1:], way)
