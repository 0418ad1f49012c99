"""Do a round's texts repeat their documents: known shares of copies, and formulas that are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthfr.privacy.linkage import round_texts

N = 48
WORDS = [f"mot{number}" for number in range(400)]
FORMULA = "le patient est sorti ce jour avec une ordonnance"


def text(seed: int, size: int = 30) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, size))


def keyed(more: str = "") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "report_id": [f"r{number}" for number in range(N)],
            "prompt_id": [f"p{number}" for number in range(N)],
            "patient_id": [f"patient {number // 2}" for number in range(N)],
            "text": [f"{text(number)} {more}" for number in range(N)],
            "keywords": [[f"t{number % 6}"] for number in range(N)],
            "language": "fr",
        }
    )


def holdout(more: str = "") -> pd.DataFrame:
    return keyed(more).assign(text=[f"{text(1000 + number)} {more}" for number in range(N)])


def chosen(copied: float, more: str = "") -> pd.DataFrame:
    own = keyed(more)["text"]
    texts = [
        f"{own[number].upper()[:120]} fin"
        if number < copied * N
        else f"{text(2000 + number)} {more}"
        for number in range(N)
    ]
    return pd.DataFrame({"prompt_id": [f"p{number}" for number in range(N)], "text": texts})


@pytest.mark.parametrize("copied", [0.0, 0.25, 0.5, 1.0])
def test_copies_give_their_share(copied: float) -> None:
    finding, measures = round_texts({"chosen": chosen(copied)}, keyed(), holdout(), 8, 0)
    assert finding is not None and finding.train == copied
    assert finding.holdout == 0 and measures["chosen"]["holdout"] == 0
    assert (finding.difference.low > 0) is (copied > 0)
    assert (finding.p_value <= 0.001) is (copied > 0)
    assert finding.leaks(0.05) is (copied > 0)


def test_a_formula_of_the_house_is_no_leak() -> None:
    finding, measures = round_texts(
        {"chosen": chosen(0.0, FORMULA)}, keyed(FORMULA), holdout(FORMULA), 8, 0
    )
    assert finding is not None and finding.train == finding.holdout == 1
    assert finding.p_value == 1 and finding.difference.mean == 0
    assert measures["chosen"]["another"] == measures["chosen"]["holdout"] == 1


def test_what_documents_with_the_same_keywords_share_is_no_leak() -> None:
    """Of the control with drawn documents it would be one."""
    by_topic = [f"{FORMULA} {number % 6}" for number in range(N)]
    used = keyed().assign(text=[f"{text(one)} {more}" for one, more in enumerate(by_topic)])
    written = chosen(0.0).assign(
        text=[f"{text(3000 + one)} {more}" for one, more in enumerate(by_topic)]
    )
    finding, measures = round_texts({"chosen": written}, used, holdout(), 10, 0)
    assert finding is not None and finding.train == 1 and finding.p_value > 0.5
    assert measures["chosen"]["over_another"]["low"] > 0.5


def test_accents_and_case_do_not_hide_a_copy() -> None:
    one, other = "fièvre à l'arrivée hier soir vers dix heures", "fie\u0300vre "
    documents = keyed().assign(text=f"{one} encore")
    written = chosen(0.0).assign(text=one.replace("fièvre ", other).upper())
    finding, _ = round_texts({"chosen": written}, documents, holdout(), 8, 0)
    assert finding is not None and finding.train == 1


def test_short_texts_share_nothing_and_a_round_without_pairs_finds_nothing() -> None:
    table = chosen(0.0).assign(text="HTA")
    finding, measures = round_texts({"candidates": table}, keyed(), holdout(), 8, 0)
    assert finding is None and measures["candidates"]["own"] == 0
    assert round_texts({"chosen": table[:0]}, keyed(), holdout(), 8, 0) == (None, {})


def test_tables_and_rows_in_any_order_give_the_same() -> None:
    again = round_texts({"chosen": chosen(0.5)[::-1]}, keyed()[::-1], holdout(), 8, 0)[1]["chosen"]
    assert (
        again["own"]
        == round_texts({"chosen": chosen(0.5)}, keyed(), holdout(), 8, 0)[1]["chosen"]["own"]
    )
