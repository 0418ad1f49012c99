"""Candidates and scores to pairs: the rules, the counts, what each must refuse, and the same pairs
wherever the choice is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr import records
from synthfr.diversity import PRIOR_TEXTS, Novelty
from synthfr.errors import UserError
from synthfr.preferences import BEST_OF, KTO, Pair, PairResult, choose, pairs
from synthfr.preferences.choice import COUNTS


@dataclass
class C:
    """A candidate with its score."""

    total: float
    text: str = ""
    tokens: int = 100
    stop: bool = True


def params(**changes: float | None) -> Pair:
    plain = {"min_margin": 0.0, "max_pairs": 100, "max_length_ratio": 10.0, "novelty_weight": 0.0}
    return Pair.model_validate(plain | changes)


def tables(**prompts: list[C]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rows = [
        (prompt_id, number, one.text or f"texte {prompt_id} {number}", one)
        for prompt_id, candidates in prompts.items()
        for number, one in enumerate(candidates)
    ]
    candidates = pd.DataFrame(
        {
            "prompt_id": [row[0] for row in rows],
            "candidate": [row[1] for row in rows],
            "text": [row[2] for row in rows],
            "seed": range(len(rows)),
            "temperature": 1.0,
            "top_p": 1.0,
            "n_tokens": [row[3].tokens for row in rows],
            "finish_reason": ["stop" if row[3].stop else "length" for row in rows],
        }
    )
    scores = candidates[["prompt_id", "candidate"]].assign(
        similarity=None,
        keyword_recall=None,
        judge=None,
        bleu=None,
        total=[row[3].total for row in rows],
    )
    asked = pd.DataFrame(
        {
            "prompt_id": list(prompts),
            "keywords": [["asthme"] for _ in prompts],
            "prompt": [f"invite {prompt_id}" for prompt_id in prompts],
            "language": "fr",
        }
    )
    return candidates, scores, asked


def test_best_is_set_against_worst() -> None:
    result = pairs(*tables(a=[C(0.5), C(0.9), C(0.1)]), params(), 0)
    row = result.pairs.iloc[0]
    assert (row["prompt_id"], row["prompt"]) == ("a", "invite a")
    assert (row["chosen"], row["rejected"]) == ("texte a 1", "texte a 2")
    assert row["margin"] == pytest.approx(0.8)
    assert result.counts["pairs"] == 1 and result.counts["not_best_worst"] == 0


def test_tables_are_valid_and_have_trl_columns() -> None:
    result = pairs(*tables(b=[C(0.2), C(0.1)], a=[C(0.5), C(0.9)]), params(), 0)
    records.validate(result.pairs, records.PAIRS, "pairs")
    records.validate(result.best_of, BEST_OF, "best-of")
    records.validate(result.kto, KTO, "kto")
    assert result.pairs["prompt_id"].tolist() == ["a", "b"]
    assert result.best_of["completion"].tolist() == ["texte a 1", "texte b 0"]
    assert result.kto[["completion", "label"]].values.tolist() == [
        ["texte a 1", True],
        ["texte a 0", False],
        ["texte b 0", True],
        ["texte b 1", False],
    ]


def test_everything_dropped_is_counted() -> None:
    result = pairs(
        *tables(
            tie=[C(0.5), C(0.5), C(0.5)],
            close=[C(0.51), C(0.5)],
            long=[C(0.9, tokens=100), C(0.1, tokens=151)],
            single=[C(0.9), C(0.1, text=" ")],
            same=[C(0.9, text="idem"), C(0.1, text="idem")],
            good=[C(0.4), C(0.1)],
            better=[C(0.6), C(0.1)],
        ),
        params(min_margin=0.02, max_length_ratio=1.5, max_pairs=1),
        0,
    )
    assert result.pairs["prompt_id"].tolist() == ["better"]
    assert result.counts == dict.fromkeys(COUNTS, 0) | {
        "prompts": 7,
        "candidates": 15,
        "empty_candidates": 1,
        "dropped_tie": 2,
        "dropped_margin": 1,
        "dropped_length": 1,
        "dropped_single": 1,
        "dropped_cap": 1,
        "pairs": 1,
    }
    counts = result.counts
    assert counts["prompts"] == counts["pairs"] + sum(
        number for name, number in counts.items() if name.startswith("dropped_")
    )


def test_a_candidate_without_a_judgement_never_pairs() -> None:
    nan = float("nan")
    result = pairs(
        *tables(a=[C(0.5), C(nan), C(0.9)], b=[C(nan), C(0.4)], c=[C(nan), C(nan, text=" ")]),
        params(),
        0,
    )
    row = result.pairs.iloc[0]
    assert (len(result.pairs), row["chosen_score"], row["rejected_score"]) == (1, 0.9, 0.5)
    assert result.counts["unjudged_candidates"] == 3 and result.counts["empty_candidates"] == 1
    assert result.counts["dropped_single"] == 2
    assert result.means["total"] == pytest.approx(0.6)
    assert result.best_of["prompt_id"].tolist() == ["a", "b"]
    # the control: taken for 0 it would have been the rejected one
    zero = pairs(*tables(a=[C(0.5), C(0.0), C(0.9)]), params(), 0)
    assert zero.pairs["rejected_score"].tolist() == [0.0]


def test_no_total_at_all_is_no_mean() -> None:
    result = pairs(*tables(a=[C(float("nan")), C(float("nan"))]), params(), 0)
    assert result.pairs.empty and "total" not in result.means


def test_no_pair_leaves_empty_tables_of_the_right_columns() -> None:
    result = pairs(*tables(tie=[C(0.5), C(0.5)]), params(), 0)
    records.validate(result.pairs, records.PAIRS, "pairs")
    records.validate(result.kto, KTO, "kto")
    assert result.pairs.empty and "margin" not in result.means
    assert len(result.best_of) == 1  # best-of needs no pair


def test_length_control_takes_the_next_allowed_combination() -> None:
    # 0.9 against 0.1 breaks the ratio; of the others 0.9-0.3 (ratio 1.2) beats 0.6-0.1 (ratio 1.4)
    candidates = [C(0.9, tokens=100), C(0.1, tokens=200), C(0.3, tokens=120), C(0.6, tokens=143)]
    result = pairs(*tables(a=candidates), params(max_length_ratio=1.5), 0)
    assert result.pairs[["chosen_score", "rejected_score"]].values.tolist() == [[0.9, 0.3]]
    assert result.counts["not_best_worst"] == 1
    loose = pairs(*tables(a=candidates), params(max_length_ratio=2.0), 0)
    assert loose.pairs["rejected_score"].tolist() == [0.1]


def test_without_length_control_best_is_set_against_worst() -> None:
    candidates = [C(0.9, tokens=10), C(0.1, tokens=2000), C(0.3, tokens=12)]
    free = pairs(*tables(a=candidates), params(max_length_ratio=None), 0)
    assert free.pairs[["chosen_score", "rejected_score"]].values.tolist() == [[0.9, 0.1]]
    held = pairs(*tables(a=candidates), params(max_length_ratio=1.5), 0)  # the control
    assert held.pairs["rejected_score"].tolist() == [0.3]


def _ranked() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Totals in falling order: a 0.9, a 0.8, b 0.7, b 0.6, c 0.6, c 0.2, a 0.1, d 0.1, d 0.0."""
    return tables(
        a=[C(0.1), C(0.9), C(0.8)],
        b=[C(0.7), C(0.6)],
        c=[C(0.2), C(0.6)],
        d=[C(0.0), C(0.1)],
    )


@pytest.mark.parametrize(
    ("best", "kept"), [(1, "a"), (2, "a"), (3, "ab"), (4, "ab"), (5, "abc"), (9, "abcd")]
)
def test_only_the_rounds_best_candidates_are_chosen(best: int, kept: str) -> None:
    """The worst of a kept prompt may lie far below the best; of equal totals the first prompt's
    counts.
    """
    result = pairs(*_ranked(), params(best_candidates=best, max_pairs=None), 0)
    assert result.pairs["prompt_id"].tolist() == list(kept)
    assert result.pairs.iloc[0][["chosen_score", "rejected_score"]].tolist() == [0.9, 0.1]
    assert result.best_of["prompt_id"].tolist() == list(kept)
    assert result.counts["dropped_best"] == 4 - len(kept)
    assert result.counts["prompts"] == result.counts["pairs"] + sum(
        number for name, number in result.counts.items() if name.startswith("dropped_")
    )


def test_all_candidates_count_where_nothing_is_said() -> None:
    """The control: every prompt gives a pair, and a count that means nothing is not told."""
    result = pairs(*_ranked(), params(best_candidates=None, max_pairs=None), 0)
    assert result.pairs["prompt_id"].tolist() == list("abcd")
    assert list(result.counts) == list(COUNTS)
    assert len(pairs(*_ranked(), params(max_pairs=3), 0).pairs) == 3


def test_what_cannot_be_chosen_takes_no_place_in_the_ranking() -> None:
    nan = float("nan")
    result = pairs(
        *tables(
            a=[C(nan), C(0.3), C(0.2)],  # unjudged
            b=[C(0.9, text=" "), C(0.5), C(0.4)],  # empty
            c=[C(0.8), C(0.8)],  # takes two places, and is a tie: never chosen and rejected
        ),
        params(best_candidates=3, max_pairs=None),
        0,
    )
    assert result.pairs["prompt_id"].tolist() == ["b"]
    assert (result.counts["dropped_best"], result.counts["dropped_tie"]) == (1, 1)


def test_unfinished_text_is_chosen_only_for_want_of_a_finished_one() -> None:
    some = pairs(*tables(a=[C(0.9, stop=False), C(0.5), C(0.1)]), params(), 0)
    assert some.pairs["chosen_score"].tolist() == [0.5]
    assert (some.counts["not_best_worst"], some.counts["chosen_unfinished"]) == (1, 0)
    none = pairs(*tables(a=[C(0.9, stop=False), C(0.5, stop=False)]), params(), 0)
    assert none.pairs["chosen_score"].tolist() == [0.9]
    assert none.counts["chosen_unfinished"] == 1


def test_row_order_does_not_matter() -> None:
    frames = tables(a=[C(0.5), C(0.9)], b=[C(0.3), C(0.8)], c=[C(0.2), C(0.4)])
    straight = pairs(*frames, params(novelty_weight=0.5), 0)
    turned = pairs(
        *(frame[::-1].reset_index(drop=True) for frame in frames), params(novelty_weight=0.5), 0
    )
    pd.testing.assert_frame_equal(straight.pairs, turned.pairs)


def test_candidates_and_scores_must_match() -> None:
    candidates, scores, asked = tables(a=[C(0.5), C(0.9)], b=[C(0.3), C(0.8)])
    with pytest.raises(UserError, match=r"candidate 1 of prompt .b. has no score"):
        pairs(candidates, scores[:-1], asked, params(), 0)
    with pytest.raises(UserError, match=r"candidate 0 of prompt .a. is scored"):
        pairs(candidates[1:], scores, asked, params(), 0)
    with pytest.raises(UserError, match=r"'b'.*generate stage"):
        pairs(candidates, scores, asked[:1], params(), 0)


def test_overuse_by_hand() -> None:
    novelty = Novelty(["un deux trois", "un deux trois", "quatre cinq six", "sept huit neuf"])
    assert novelty.overuse("un deux trois") == 0.0  # nothing taken yet
    for _ in range(10):
        novelty.take("quatre cinq six")
    # a quarter of the pool; taken, shrunk: (10 + 20/4) / 30 = 1/2; overuse (1/2 - 1/4) / (1/2)
    assert PRIOR_TEXTS == 20
    assert novelty.overuse("quatre cinq six") == pytest.approx(0.5)
    assert novelty.overuse("un deux trois") == 0.0  # less than in the pool is no overuse


def _repetitive() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Forty prompts: the best candidate is always the same phrase, the second their own."""
    return tables(
        **{
            f"p{number:02d}": [
                C(0.60, text="la même phrase toujours"),
                C(0.58, text=f"propre à {number} seul ici"),
                C(0.10, text=f"mauvais texte numéro {number}"),
            ]
            for number in range(40)
        }
    )


def test_novelty_spreads_the_chosen_texts() -> None:
    plain = pairs(*_repetitive(), params(), 0)
    diverse = pairs(*_repetitive(), params(novelty_weight=0.2), 0)
    assert plain.pairs["chosen"].nunique() == 1  # the control: without the term nothing spreads
    assert diverse.pairs["chosen"].nunique() > 10
    # scores stay the plain totals
    assert set(diverse.pairs["chosen_score"].round(2)) == {0.6, 0.58}


def test_novelty_order_is_seeded() -> None:
    first, again, other = (
        pairs(*_repetitive(), params(novelty_weight=0.2), seed) for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first.pairs, again.pairs)
    assert first.pairs["chosen"].tolist() != other.pairs["chosen"].tolist()


# --- the choice alone, made on the private side -----------------------------------------------

TEXTS = [
    *(f"texte {number} du malade" for number in range(4)),
    *("la même phrase toujours", "propre à un seul ici", " "),
]
NAN = float("nan")
CANDIDATE = st.builds(
    C,
    total=st.one_of(st.integers(0, 6).map(lambda one: one / 8), st.floats(0, 1, width=32))
    | st.just(NAN),
    text=st.sampled_from(TEXTS),
    tokens=st.integers(1, 300),
    stop=st.booleans(),
)
ROUND = st.dictionaries(
    st.from_regex(r"[a-z]{1,3}", fullmatch=True),
    st.lists(CANDIDATE, min_size=1, max_size=5),
    min_size=1,
    max_size=12,
)
PARAMS = st.builds(
    Pair,
    min_margin=st.sampled_from([0.0, 0.02, 0.25]),
    best_candidates=st.none() | st.integers(1, 20),
    max_pairs=st.none() | st.integers(1, 8),
    max_length_ratio=st.none() | st.sampled_from([1.0, 1.5, 4.0]),
    novelty_weight=st.sampled_from([0.0, 0.2, 3.0]),
)


def both_ways(
    frames: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], how: Pair, seed: int = 3
) -> tuple[PairResult, PairResult]:
    """Preference data from the scores, and from the choice that was made of them before."""
    candidates, scores, asked = frames
    orders = choose(candidates, scores, how, seed).orders
    records.validate(orders, records.ORDERS, "orders")
    return pairs(*frames, how, seed), pairs(candidates, orders, asked, how, seed)


def texts_of(result: PairResult) -> list[list[list[object]]]:
    """Everything but scores."""
    scores = ["chosen_score", "rejected_score", "margin"]
    tables = (result.pairs.drop(columns=scores), result.best_of.drop(columns="score"), result.kto)
    return [table.to_numpy().tolist() for table in tables]


@settings(max_examples=200, deadline=None)
@given(ROUND, PARAMS, st.integers(0, 5))
def test_the_choice_alone_gives_the_same_texts(
    prompts: dict[str, list[C]], how: Pair, seed: int
) -> None:
    """Ties, unjudged, empty and unfinished candidates, caps, length, novelty."""
    raw, order = both_ways(tables(**prompts), how, seed)
    assert texts_of(raw) == texts_of(order)
    assert order.pairs[["chosen_score", "rejected_score", "margin"]].isna().all(axis=None)
    assert order.best_of["score"].isna().all()
    assert order.counts.items() <= raw.counts.items()
    assert order.means.items() <= raw.means.items()
    assert not [name for name in order.means if "tokens" not in name]


def test_tables_without_scores_are_valid() -> None:
    _, order = both_ways(tables(a=[C(0.5), C(0.9)], tie=[C(0.1), C(0.1)]), params())
    records.validate(order.pairs, records.PAIRS, "pairs")
    records.validate(order.best_of, BEST_OF, "best-of")
    records.validate(order.kto, KTO, "kto")
    assert order.counts == {"prompts": 2, "candidates": 4, "pairs": 1, "chosen_unfinished": 0}


def test_the_choice_by_hand() -> None:
    """Best-of needs no pair, and may be another candidate than the pair's chosen one."""
    candidates, scores, _ = tables(
        a=[C(0.5), C(0.9), C(0.1)],
        long=[C(0.9, tokens=300), C(0.6), C(0.1)],
        tie=[C(0.5), C(0.5)],
        unjudged=[C(NAN), C(NAN)],
    )
    orders = choose(candidates, scores, params(max_length_ratio=1.5), 0).orders
    assert orders.astype(object).where(orders.notna(), None).to_numpy().tolist() == [
        ["a", 1, 1, 2],
        ["long", 0, 1, 2],
        ["tie", 0, None, None],
        ["unjudged", None, None, None],
    ]


def test_a_flipped_choice_gives_other_pairs() -> None:
    """Negative control: the tables are made from what was released, not from anything else."""
    frames = tables(a=[C(0.5), C(0.9)], b=[C(0.3), C(0.8)])
    candidates, scores, asked = frames
    orders = choose(candidates, scores, params(), 0).orders
    flipped = orders.copy()
    flipped.loc[1, ["chosen", "rejected"]] = orders.loc[1, ["rejected", "chosen"]].tolist()
    straight, turned = (pairs(candidates, one, asked, params(), 0) for one in (orders, flipped))
    assert straight.pairs["chosen"].tolist() == ["texte a 1", "texte b 1"]
    assert turned.pairs["chosen"].tolist() == ["texte a 1", "texte b 0"]
    assert turned.kto["label"].tolist() == straight.kto["label"].tolist()


def test_a_choice_must_be_of_the_candidates() -> None:
    candidates, scores, asked = tables(a=[C(0.5), C(0.9)], b=[C(0.3), C(0.8)])
    orders = choose(candidates, scores, params(), 0).orders
    with pytest.raises(UserError, match=r"not of the same prompts: run this round's release stage"):
        pairs(candidates, orders[:1], asked, params(), 0)
    wrong = orders.assign(chosen=pd.array([1, 7], dtype="Int8"))
    with pytest.raises(UserError, match=r"Candidate 7 of prompt 'b' is released as chosen or"):
        pairs(candidates, wrong, asked, params(), 0)
