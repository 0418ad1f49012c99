"""Canaries in private train reports: which, where, and how they are taken out again."""

from __future__ import annotations

import pandas as pd
import pytest

from synthfr.corpora import Seed, canaries, load
from synthfr.errors import UserError
from synthfr.records import CANARIES, validate


def reports(n: int = 30, language: str = "fr") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "report_id": [f"r{i}" for i in range(n)],
            "text": [f"Compte rendu {i}.\n" for i in range(n)],
            "codes": [["I10"]] * n,
            "language": language,
        }
    )


def test_so_many_reports_end_with_one_and_as_many_stand_nowhere() -> None:
    train = reports()
    made, drawn = canaries.planted(train, 7, 0)
    validate(drawn, CANARIES, "canaries")
    ends = drawn.dropna(subset="report_id").set_index("report_id")["text"]
    assert len(ends) == 7 and len(drawn) == 14 and drawn["text"].is_unique
    changed = made["text"] != train["text"]
    assert set(made["report_id"][changed]) == set(ends.index)
    for one, text in zip(made["report_id"], made["text"], strict=True):
        assert text.endswith(ends[one]) if one in ends else text.startswith("Compte")
    whole = "\n".join(made["text"])
    assert not any(text in whole for text in drawn["text"][drawn["report_id"].isna()])
    assert made["text"].str.startswith("Compte rendu").all()


def test_they_depend_on_ids_and_seed_alone() -> None:
    made, drawn = canaries.planted(reports(), 7, 0)
    again, same = canaries.planted(reports().iloc[::-1], 7, 0)
    assert same.equals(drawn)
    assert again.sort_index()["text"].equals(made["text"])
    _, other = canaries.planted(reports(), 7, 1)
    assert not set(other["text"]) & set(drawn["text"])


def test_they_can_be_taken_out_again() -> None:
    train = reports()
    made, drawn = canaries.planted(train, 30, 0)
    assert canaries.removed(made, drawn)["text"].tolist() == train["text"].str.rstrip().tolist()
    untouched, none = canaries.planted(train, 0, 0)
    assert untouched.equals(train) and len(none) == 0
    assert canaries.removed(train, none).equals(train)


def test_names_are_of_the_language() -> None:
    _, russian = canaries.planted(reports(5, "ru"), 5, 0)
    assert all(any("а" <= letter <= "я" for letter in text.lower()) for text in russian["text"])
    _, unknown = canaries.planted(reports(5, "xx"), 5, 0)  # no such names: any will do
    assert len(unknown) == 10


def test_more_than_there_are_reports_is_refused() -> None:
    with pytest.raises(UserError, match=r"seed\.canaries: 31 .* 30 private train.*lower"):
        canaries.planted(reports(), 31, 0)


def test_the_holdout_and_the_public_side_have_none() -> None:
    sizes = {"public": 20, "private_train": 20, "private_holdout": 20}
    with_some = load(Seed.model_validate({"demo": sizes, "canaries": 20}), 0)
    without = load(Seed.model_validate({"demo": sizes}), 0)
    assert with_some.public.equals(without.public)
    assert with_some.private_holdout.equals(without.private_holdout)
    assert (with_some.private_train["text"] != without.private_train["text"]).all()
    assert with_some.counts()["canaries"] == {"planted": 20}
    assert "canaries" not in without.counts()
