"""Kinds that hardly any private patient has: what shows, and what must not."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr.fidelity.distributions import distributions
from synthfr.fidelity.kinds import Kinds, Side
from tests.fidelity import toy

FEWEST = 5
OFTEN = 20
COMMON = ["a", "b"]
CORPORA = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), min_size=1, max_size=12)


def side(held: Sequence[Sequence[Hashable]], per_owner: int = 1) -> Side:
    return Side(held, [row // per_owner for row in range(len(held))])


def rare(n: int, prefix: str = "r") -> list[list[Hashable]]:
    """`n` reports with a kind of their own each, beside the common ones."""
    return [[*COMMON, f"{prefix}{row}"] for row in range(n)]


def test_by_hand() -> None:
    kinds = Kinds(side(rare(10)), COMMON, FEWEST)
    assert kinds.merged == pytest.approx(1 / 3)
    # one kind in all of 30 reports, which no report of 10 has: a third against another third
    found = kinds.apart(side([[*COMMON, "x"]] * 30), OFTEN)
    assert (found.js, found.merged, found.apart) == pytest.approx((1 / 3, 0, 1 / 3))
    # 30 rare kinds of its own: together they are apart
    found = kinds.apart(side(rare(30, "other")), OFTEN)
    assert (found.js, found.merged, found.apart) == pytest.approx((1 / 3, 0, 1 / 3))
    # the controls: five of them are of private patients, or none
    shared = [*rare(5), *rare(25, "other")]
    found = kinds.apart(side(shared), OFTEN)
    assert (found.js, found.merged, found.apart) == pytest.approx((0, 1 / 3, 0))
    assert kinds.apart(side([COMMON] * 9), OFTEN).apart == 0


def test_of_four_patients_or_none_shows_the_same() -> None:
    """Each world differs from the next by what fewer than `FEWEST` private patients have."""
    other = side(rare(30, "other"))

    def told(n_sharing: int) -> Any:
        real = [*rare(n_sharing, "other"), *rare(20 - n_sharing)]
        return Kinds(side(real), COMMON, FEWEST).apart(other, OFTEN)

    assert told(0) == told(1) == told(4)
    assert told(5) != told(4)  # the control

    def in_all_reports(n_patients: int) -> Any:
        real = [[*COMMON, "x" if row < n_patients else f"r{row}"] for row in range(20)]
        return Kinds(side(real), COMMON, FEWEST).apart(side([[*COMMON, "x"]] * 30), OFTEN)

    assert in_all_reports(0) == in_all_reports(4)


def test_a_share_of_few_patients_is_not_told() -> None:
    def merged(n_patients: int) -> float | None:
        real = [*rare(n_patients), *[COMMON] * (10 - n_patients)]
        return Kinds(side(real), COMMON, FEWEST).merged

    assert merged(0) is None and merged(4) is None
    assert merged(5) == pytest.approx(5 / 25)
    # ten reports of two patients are of two
    assert Kinds(side(rare(10), per_owner=5), COMMON, FEWEST).merged is None


@given(CORPORA, st.sets(st.sampled_from("abcdefgh")))
def test_equal_corpora_are_at_zero(held: list[list[str]], listed: set[str]) -> None:
    """Whatever is listed; `OFTEN` is above what private reports have of a kind that is not."""
    found = Kinds(side(held), listed, FEWEST).apart(side(held), OFTEN)
    assert found.js is None if not any(held) else found.js == pytest.approx(0, abs=1e-12)
    assert found.apart == 0


@given(CORPORA, CORPORA)
def test_doubled_reports_change_nothing(one: list[list[str]], other: list[list[str]]) -> None:
    kinds = Kinds(side(one), COMMON, FEWEST)
    once, twice = (kinds.apart(side([own * n for own in other]), OFTEN) for n in (1, 2))
    assert once.js == (None if twice.js is None else pytest.approx(twice.js, abs=1e-12))
    assert (once.merged, once.apart) == pytest.approx((twice.merged, twice.apart))


def disjoint(n: int, prefix: str) -> pd.DataFrame:
    """Reports of which no word, code, pair or heading is in another one."""
    # of letters: a heading has no digit
    ids = [f"{prefix}{chr(97 + row // 26)}{chr(97 + row % 26)}" for row in range(n)]
    texts = [f"{one}motif : {one}x {one}y\n{one}bilan : {one}z" for one in ids]
    first = "AB" if prefix == "r" else "CD"
    codes = [[f"{letter}{row:02}" for letter in first] for row in range(n)]
    frame = {"report_id": ids, "text": texts, "codes": codes, "language": "fr"}
    return pd.DataFrame(frame | {"patient_id": ids})


def test_corpora_that_share_nothing_are_at_one() -> None:
    """All kinds are rare: none stands by itself."""
    real, made = disjoint(60, "r"), disjoint(60, "s")
    train = toy.reports(60, 1, "t")
    for name in ("sections", "codes", "code_pairs", "words"):
        found = distributions(made, real, train, FEWEST)[name]
        assert found["js"]["synthetic"] == pytest.approx(1), name
        assert found["apart"]["synthetic"] == 1 and found["merged"]["synthetic"] == 0, name
        assert found["merged"]["real"] == 1, name
        # the same corpus is at none
        again = distributions(real, real, train, FEWEST)[name]
        assert again["js"]["synthetic"] == pytest.approx(0, abs=1e-12), name
        assert again["merged"]["synthetic"] == 1, name
        # and so is the floor: that of strangers, and that of equals
        assert distributions(made, real, made, FEWEST)[name]["js"]["floor"] == pytest.approx(1)
        equal = distributions(made, real, real, FEWEST)[name]["js"]["floor"]
        assert equal == pytest.approx(0, abs=1e-12), name


def test_equal_corpora_of_patients_with_several_reports_are_at_zero() -> None:
    """Four patients have a code in all of their six reports: 24 reports, and too few patients."""
    real = disjoint(96, "r").assign(patient_id=[f"p{row // 6}" for row in range(96)])
    real["codes"] = [["I10", "E11" if row < 24 else "J44"] for row in range(96)]
    made = real.drop(columns="patient_id")
    for name in ("sections", "codes", "code_pairs", "words"):
        found = distributions(made, real, real, FEWEST)[name]["js"]
        assert found == pytest.approx({"synthetic": 0, "floor": 0}, abs=1e-12), name


def test_a_collapse_onto_a_code_that_nobody_has_shows() -> None:
    """Half of all codes are one that no patient has; of the real ones half are rare."""
    real = disjoint(60, "r").assign(codes=[["I10", f"A{row:02}"] for row in range(60)])
    made = real.assign(codes=[["I10", "Z99"]] * 60)
    found = distributions(made, real, real, FEWEST)
    assert found["codes"]["js"] == pytest.approx({"synthetic": 0.5, "floor": 0}, abs=1e-12)
    assert found["code_pairs"]["js"] == pytest.approx({"synthetic": 1, "floor": 0}, abs=1e-12)


def test_two_samples_of_one_ward_stay_near() -> None:
    """The control: rare kinds of their own do not make a sample far from another."""
    one, two, three = (toy.reports(90, seed, f"w{seed}") for seed in range(3))
    for number, part in enumerate((one, two, three)):
        part["text"] += [f"\nNote {number}x{row}" for row in range(90)]
    found = distributions(three, one, two, FEWEST)["words"]
    assert found["js"]["synthetic"] == pytest.approx(found["js"]["floor"], abs=0.02)
    assert found["apart"]["synthetic"] == pytest.approx(found["apart"]["floor"], abs=0.01)
