"""Noise: exact counts, its own words, the same for the same reports, more for a larger share."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from synthfr.coding.noise import CONCENTRATED, HYPOTHESES, SPREAD, Noise, inject
from synthfr.text.tokens import words

TEXTS = [" ".join(f"mot{report}_{at}" for at in range(10 + report)) for report in range(40)]
IDS = [f"r{report}" for report in range(40)]
SHARES = st.integers(0, 100).map(lambda hundredths: hundredths / 100)


def changed(before: str, after: str) -> int:
    pairs = zip(words(before), words(after), strict=True)
    return sum(one != other for one, other in pairs)


def counts(noisy: list[str]) -> list[int]:
    return [changed(*pair) for pair in zip(TEXTS, noisy, strict=True)]


@settings(max_examples=30, deadline=None)
@given(SHARES, st.integers(0, 5))
def test_spread_replaces_exactly_so_many_words_of_every_report(share: float, seed: int) -> None:
    noisy = inject(SPREAD, share, IDS, TEXTS, seed)
    hundredths = round(share * 100)
    assert counts(noisy) == [len(words(text)) * hundredths // 100 for text in TEXTS]


@settings(max_examples=30, deadline=None)
@given(SHARES, st.integers(0, 5))
def test_concentrated_touches_exactly_so_many_reports(share: float, seed: int) -> None:
    found = counts(inject(CONCENTRATED, share, IDS, TEXTS, seed))
    touched = [count for count in found if count]
    assert len(touched) == 40 * round(share * 100) // 100
    assert all(
        count in (0, len(words(text)) * 9 // 10) for count, text in zip(found, TEXTS, strict=True)
    )


def test_floors_are_of_the_share_as_it_is_written() -> None:
    """.29 of 100 is 29, though .29 * 100 is 28.999999999999996."""
    text = " ".join(f"mot{at}" for at in range(100))
    assert math.floor(0.29 * 100) == 28
    assert changed(text, inject(SPREAD, 0.29, ["r"], [text], 0)[0]) == 29


@pytest.mark.parametrize("hypothesis", HYPOTHESES)
def test_words_are_the_corpus_own_and_blanks_stay(hypothesis: str) -> None:
    texts = ["Motif :\n\n  dyspnée à l'effort.\tTA 14/9\n", "Боль в груди\nтри дня ", ""]
    noisy = inject(hypothesis, 1.0, ["a", "b", "c"], texts, 0)  # type: ignore[arg-type]
    own = {word for text in texts for word in words(text)}
    assert {word for text in noisy for word in words(text)} <= own
    for before, after in zip(texts, noisy, strict=True):
        blanks = ["".join(c if c.isspace() else "x" for c in text).split("x") for text in
                  (before, after)]  # fmt: skip
        assert [one for one in blanks[0] if one] == [one for one in blanks[1] if one]


def test_a_larger_share_holds_the_smaller_one() -> None:
    for hypothesis in HYPOTHESES:
        few, more = (inject(hypothesis, share, IDS, TEXTS, 0) for share in (0.2, 0.5))
        for text, one, other in zip(TEXTS, few, more, strict=True):
            triples = zip(words(text), words(one), words(other), strict=True)
            assert all(b == c for a, b, c in triples if a != b)


def test_noise_depends_on_ids_seed_and_draw_alone() -> None:
    first = inject(SPREAD, 0.3, IDS, TEXTS, 0)
    assert inject(SPREAD, 0.3, IDS[::-1], TEXTS[::-1], 0) == first[::-1]
    assert inject(SPREAD, 0.3, IDS, TEXTS, 1) != first
    assert inject(SPREAD, 0.3, IDS, TEXTS, 0, draw=1) != first
    assert inject(SPREAD, 0.3, IDS, TEXTS, 0) == first


def test_no_noise_and_nothing_to_draw_from() -> None:
    for hypothesis in HYPOTHESES:
        assert inject(hypothesis, 0.0, IDS, TEXTS, 0) == TEXTS
        assert inject(hypothesis, 1.0, ["a"], ["seul seul"], 0) == ["seul seul"]


def test_an_equal_budget_replaces_as_many_words() -> None:
    texts = [" ".join(f"mot{at}" for at in range(100))] * 90
    ids = [f"r{at}" for at in range(90)]
    total = {
        (hypothesis, equal): sum(
            changed(*pair)
            for pair in zip(
                texts, inject(hypothesis, 0.3, ids, texts, 0, equal_budget=equal), strict=True
            )
        )
        for hypothesis in HYPOTHESES
        for equal in (False, True)
    }
    assert total[SPREAD, True] == total[CONCENTRATED, True] == total[SPREAD, False] == 2700
    assert total[CONCENTRATED, False] == 27 * 90  # .9 as many, as published
    with pytest.raises(ValueError, match="less than a share"):
        inject(CONCENTRATED, 0.95, ids, texts, 0, equal_budget=True)


def test_a_budget_that_cannot_be_reached_is_refused_beforehand() -> None:
    assert Noise(shares=[0.95]).shares == [0.95]
    with pytest.raises(ValidationError, match=r"keep the shares at most 0\.9"):
        Noise(shares=[0.2, 0.95], equal_budget=True)
