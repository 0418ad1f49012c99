"""Several hospitals, one question: hand-computed tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records
from synthfr.errors import UserError
from synthfr.sites import combine
from synthfr.sites.exchanges import Answer
from tests.scoring import toy as scoring_toy
from tests.sites import toy


def orders(*rows: tuple[Any, ...]) -> pd.DataFrame:
    names = ["prompt_id", "best", "chosen", "rejected"]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[1:], "Int8"))


def totals(*rows: tuple[Any, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["prompt_id", "candidate", "total"])
    for name in ("similarity", "keyword_recall", "judge", "similarity_judge", "bleu"):
        frame[name] = np.float32("nan")
    frame = frame[records.SCORES.schema.names]
    return frame.astype({"candidate": "int8", "total": "float32"})


def of(frame: pd.DataFrame, documents: int, **measures: Any) -> Answer:
    return Answer({"released": frame}, documents, measures)


def test_hospitals_with_prompts_of_their_own_are_put_together() -> None:
    """As if one hospital had all: the table of each is a part of it, to the last bit."""
    whole = toy.answer(toy.question(**{"score.release": "raw"})).answer.tables["released"]
    ours = whole["prompt_id"].isin(scoring_toy.IDS[::2])
    parts = [of(whole[mask].reset_index(drop=True), 3) for mask in (~ours, ours)]
    assert combine.released(parts).equals(whole)


def test_scores_of_the_same_candidates_are_averaged_by_documents() -> None:
    lyon = of(totals(("p0", 0, 0.2), ("p0", 1, 0.6), ("p1", 0, 0.5)), 300)
    paris = of(totals(("p0", 0, 0.6), ("p0", 1, float("nan"))), 100)
    both = combine.released([lyon, paris])
    assert both["prompt_id"].tolist() == ["p0", "p0", "p1"]
    assert both["total"].dtype == np.float32
    assert both["total"].tolist() == pytest.approx([0.3, float("nan"), 0.5], nan_ok=True)
    records.validate(both, records.SCORES, "combined")
    even = combine.released([of(lyon.tables["released"], 1), of(paris.tables["released"], 1)])
    assert even["total"][0] == pytest.approx(0.4)  # negative control: the weights count


def test_choices_about_the_same_prompts_are_voted_on_by_documents() -> None:
    one = of(orders(("p0", 0, 0, 1), ("p1", 2, 2, 0), ("p2", 1, pd.NA, pd.NA)), 100)
    two = of(orders(("p0", 1, 1, 0), ("p1", 1, 1, 0), ("p2", 1, 1, 0)), 100)
    three = of(orders(("p0", 1, 2, 1), ("p1", 2, 1, 0), ("p2", 0, pd.NA, pd.NA)), 150)
    both = combine.released([one, two, three])
    # p0: best 1 (250), pair (2, 1) (150); p1: best 2 (250), pair (1, 0) (250);
    # p2: best 1 (200), no pair (250)
    assert both.equals(orders(("p0", 1, 2, 1), ("p1", 2, 1, 0), ("p2", 1, pd.NA, pd.NA)))
    records.validate(both, records.ORDERS, "combined")


def test_of_equal_votes_the_lower_number_wins_and_some_choice_over_none() -> None:
    one = of(orders(("p0", 2, 2, 0), ("p1", pd.NA, pd.NA, pd.NA)), 10)
    two = of(orders(("p0", 1, 1, 0), ("p1", 3, 3, 1)), 10)
    wanted = orders(("p0", 1, 1, 0), ("p1", 3, 3, 1))
    assert combine.released([one, two]).equals(wanted)
    assert combine.released([two, one]).equals(wanted)


def test_a_mix_of_ways_is_refused() -> None:
    with pytest.raises(UserError, match="agree on one score"):
        combine.released([of(orders(("p0", 0, 0, 1)), 1), of(totals(("p1", 0, 0.5)), 1)])


def test_counts_are_added_and_other_numbers_averaged() -> None:
    raw = {"total": {"mean": 0.2}, "spread": None}
    one = of(orders(), 300, release={"counts": {"pairs": 2}, **raw})
    two = of(orders(), 100, release={"counts": {"pairs": 3}, "total": {"mean": 0.6}, "spread": 0.1})
    assert combine.measures([one]) == one.measures
    assert combine.measures([one, two]) == {
        "release": {"counts": {"pairs": 5}, "total": {"mean": pytest.approx(0.3)}, "spread": None}
    }


def test_of_guarantees_the_weakest_holds_and_a_ledger_s_numbers_are_its_own() -> None:
    def answered(epsilon: float, entry: int) -> Answer:
        dp = {
            "epsilon": {"round": epsilon, "all_rounds": 2 * epsilon, "spent": 3 * epsilon},
            "delta": 1e-5,
            "mu": {"round": epsilon / 4, "all_rounds": epsilon / 2},
            "sigma": 8 / epsilon,
            "sensitivity": 1.0,
            "neighbours": {"add_remove": 1},
            "ledger_entry": entry,
        }
        return of(orders(), 100, release={"dp": dp})

    one, two = answered(2.0, 4), answered(1.0, 7)
    kept = dict(one.measures["release"]["dp"])
    del kept["ledger_entry"]
    assert combine.measures([two, one]) == {"release": {"dp": kept | {"sigma": 4.0}}}


def test_what_is_public_is_not_counted_twice() -> None:
    told = {"public": {"documents": 40}, "private": {"documents": 30}, "matcher": {"terms": 147}}
    both = combine.measures([of(orders(), 30, keywords=told)] * 2)["keywords"]
    assert both == {
        "public": {"documents": 40},
        "private": {"documents": 60},
        "matcher": {"terms": 147},
    }
