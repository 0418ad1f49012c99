"""Kinds that hardly any private patient has: what shows, and what must not."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import log2
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr.fidelity.distributions import distributions
from synthfr.fidelity.kinds import Apart, Side, apart
from tests.fidelity import toy

FEWEST = 5
COMMON = ["a", "b"]
CORPORA = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=4), min_size=1, max_size=40)
ZERO = pytest.approx(0, abs=1e-12)
KINDS = ("sections", "codes", "code_pairs", "words")


def side(held: Sequence[Sequence[Hashable]], per_owner: int = 1) -> Side:
    return Side(held, [row // per_owner for row in range(len(held))])


def rare(n: int, prefix: str = "r") -> list[list[Hashable]]:
    """`n` reports with a kind of their own each, beside the common ones."""
    return [[*COMMON, f"{prefix}{row}"] for row in range(n)]


def told(real: Side, other: Side, fewest: int = FEWEST, private: bool = False) -> Apart:
    return apart(real, other, fewest, private)


def test_by_hand() -> None:
    real = side(rare(10))
    third = pytest.approx(1 / 3)
    # one kind in all of 30 reports, which no report of 10 has: a third against another third
    assert told(real, side([[*COMMON, "x"]] * 30)) == Apart(third, 0, third, third)
    # 30 rare kinds of its own: together they are apart
    assert told(real, side(rare(30, "other"))) == Apart(third, 0, third, third)
    # the controls: five of them are of private patients, or none
    shared = told(real, side([*rare(5), *rare(25, "other")]))
    assert shared == Apart(ZERO, third, third, 0)
    assert told(real, side([COMMON] * 9)).apart == 0


def test_apart_is_what_very_many_have_and_hardly_any_patient() -> None:
    """Ten patients, a report each: four of them could be 4 reports, of chance 20."""
    real = side([COMMON] * 10)

    def other(n: int) -> Side:
        return side([[*COMMON, "x"]] * n + [COMMON] * (2 * n))

    # dropped, and told beside: 19 in 19 x 3 + 38 x 2
    assert told(real, other(19)) == Apart(ZERO, pytest.approx(1 / 7), None, 0)
    assert told(real, other(20)).apart == pytest.approx(1 / 7)
    # of twice as many reports each, twice as many
    twice = side([COMMON] * 20, per_owner=2)
    assert told(twice, other(39)).apart == 0 < told(twice, other(40)).apart
    # whichever of two has it: halves and halves against thirds
    js = (log2(6 / 5) + 2 / 3 * log2(4 / 5) + 1 / 3) / 2
    often = side([[*COMMON, "x"]] * 20)
    for private in (False, True):
        for one, two in ((real, often), (often, real)):
            assert told(one, two, private=private).js == pytest.approx(js)


def test_where_all_may_leave_all_that_real_reports_have_not_is_apart() -> None:
    found = told(side(rare(3)), side([[*COMMON, "x"], [*COMMON, "r0"]]), fewest=1)
    assert (found.merged, found.apart) == (0, pytest.approx(1 / 6))


def test_a_share_of_few_patients_is_not_told() -> None:
    def merged(n_patients: int) -> float | None:
        real = [*rare(n_patients), *[COMMON] * (10 - n_patients)]
        return told(side(real), side([COMMON] * 9)).merged_real

    assert merged(0) is None and merged(4) is None
    assert merged(5) == pytest.approx(5 / 25)
    # ten reports of two patients are of two
    assert told(side(rare(10), per_owner=5), side([COMMON] * 9)).merged_real is None
    # one who has a thing a hundred times has it once a report
    repeated = [*rare(9), [*COMMON, *["r"] * 100]]
    assert told(side(repeated), side([COMMON] * 9)).merged_real == pytest.approx(1 / 3)


@given(CORPORA, st.integers(1, 6), st.integers(1, 9), st.booleans())
def test_equal_corpora_are_at_zero(
    held: list[list[str]], fewest: int, per_owner: int, private: bool
) -> None:
    """However many reports a patient has."""
    real = side(held, per_owner)
    found = told(real, real if private else side(held), fewest, private)
    assert found.js is None or found.js == pytest.approx(0, abs=1e-12)
    assert not found.apart
    assert (found.js is None) <= (fewest > 1 or not any(held))


@given(CORPORA, CORPORA)
def test_the_floor_is_by_the_same_rule(one: list[list[str]], other: list[list[str]]) -> None:
    """Or a third sample of real reports would be farther than two are."""
    floor, synthetic = (told(side(one), side(other), private=private) for private in (True, False))
    if floor.merged is not None:
        assert floor == synthetic


@given(CORPORA, CORPORA)
def test_doubled_reports_change_nothing(one: list[list[str]], other: list[list[str]]) -> None:
    once, twice = (told(side(one), side([own * n for own in other])) for n in (1, 2))
    assert once.js == (None if twice.js is None else pytest.approx(twice.js, abs=1e-12))
    assert (once.merged, once.apart) == pytest.approx((twice.merged, twice.apart))


def plain(n: int, prefix: str, n_rare: int = 0, rare_code: str = "E11") -> pd.DataFrame:
    """Equal reports of a patient each; `n_rare` have a heading, a code (so a pair) and a word
    more.
    """
    ids = [f"{prefix}{row}" for row in range(n)]
    texts = ["le patient va bien" + "\nbilan : anormal" * (row < n_rare) for row in range(n)]
    codes = [["I10", rare_code] if row < n_rare else ["I10"] for row in range(n)]
    frame = {"report_id": ids, "text": texts, "codes": codes, "language": "fr"}
    return pd.DataFrame(frame | {"patient_id": ids})


@pytest.mark.parametrize("where", ["holdout", "train"])
@pytest.mark.parametrize("n_made", [0, 10, 200])
@pytest.mark.parametrize("n_elsewhere", [0, 5, 40])
def test_of_four_patients_or_none_all_shows_the_same(
    where: str, n_made: int, n_elsewhere: int
) -> None:
    """Worlds that differ by what `n` patients of one side have; `n_made` synthetic reports and
    `n_elsewhere` patients of the other side have it, too.
    """

    def world(n: int) -> Any:
        holdout, train = (n, n_elsewhere) if where == "holdout" else (n_elsewhere, n)
        sides = plain(200, "s", n_made), plain(200, "h", holdout), plain(200, "t", train)
        found = distributions(*sides, FEWEST)
        return {name: found[name] for name in KINDS}

    assert world(0) == world(1) == world(4)
    assert world(5) != world(4)  # the control


def test_of_four_patients_or_none_with_other_rare_kinds_beside() -> None:
    """Rare kinds are told by their number alone, not by which of them another corpus has."""
    other = side(rare(30, "other"))

    def world(n_sharing: int, private: bool) -> Apart:
        real = [*rare(n_sharing, "other"), *rare(20 - n_sharing)]
        return told(side(real), other, private=private)

    for private in (False, True):
        assert world(0, private) == world(1, private) == world(4, private)
        assert world(5, private) != world(4, private)  # the control


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
    for name in KINDS:
        found = distributions(made, real, train, FEWEST)[name]
        assert found["js"]["synthetic"] == pytest.approx(1), name
        assert found["apart"]["synthetic"] == 1 and found["merged"]["synthetic"] == 0, name
        assert found["merged_real"]["synthetic"] == 1, name
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
    for name in KINDS:
        found = distributions(made, real, real, FEWEST)[name]["js"]
        assert found == pytest.approx({"synthetic": 0, "floor": 0}, abs=1e-12), name


def test_a_few_patients_with_very_many_reports_make_no_distance() -> None:
    """Four of 208 patients have 24 reports each, and a code: 96 reports, by far over chance."""
    owners = [f"p{row // 24}" if row < 96 else f"q{row}" for row in range(300)]
    real = plain(300, "h", 96).assign(patient_id=owners)
    for name in KINDS:
        found = distributions(real.drop(columns="patient_id"), real, real, FEWEST)[name]
        assert found["js"]["synthetic"] in (None, ZERO) and not found["apart"]["synthetic"], name
    # the control: one report more than they have
    more = plain(300, "s", 97)
    assert distributions(more, real, real, FEWEST)["codes"]["apart"]["synthetic"] > 0


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
