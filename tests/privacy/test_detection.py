"""Detection limits: known where the test's power is known, none where it sees nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from synthfr.privacy.detection import (
    UNKNOWN,
    Detection,
    Limits,
    Reword,
    Spikes,
    curve,
    hits_wanted,
    limits,
)
from tests.privacy.toy import Copied, backwards, sides, unchanged

SETTINGS = Detection()


def limit_of(audit: Copied, state: NDArray[np.bool_], reword: Reword, alpha: float) -> Limits:
    spikes = Spikes.draw(audit.sides, SETTINGS, reword, 0)
    return limits(audit, state, audit.sides, spikes, alpha, lambda texts, _: audit.measure(texts))


def test_a_test_that_accuses_at_one_copy_finds_one() -> None:
    audit = Copied(sides(), at_once=True)
    state = audit.measure(["rien"])
    found = limit_of(audit, state, unchanged, 0.01)
    assert found == Limits(1, 1)


def test_a_difference_takes_as_many_copies_as_chance_asks_for() -> None:
    """Of k copies of 60 train reports and none of 60 others, chance alone puts all k on one side
    with probability about 2 ** -k: at a level of .02, 5 do not suffice (.029), 10 do (.0005).
    """
    audit = Copied(sides())
    state = audit.measure(["rien"])
    found = limit_of(audit, state, unchanged, 0.02)
    assert found == Limits(10, 10)
    easier = limit_of(audit, state, unchanged, 0.05)
    assert easier.verbatim == 5


class SeesHalf(Copied):
    """Sees every second report alone."""

    def measure(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        seen = np.arange(len(self.sides.texts)) % 2 == 0
        return super().measure(texts) & seen


def test_what_is_found_half_the_time_is_no_limit() -> None:
    """Of five reports the test sees one or more with probability 31/32, of two with 3/4."""
    audit = SeesHalf(sides(), at_once=True)
    assert limit_of(audit, audit.measure([""]), unchanged, 0.001) == Limits(5, 5)


def test_a_limit_is_claimed_only_where_the_repeats_show_it() -> None:
    """.8 ** 14 is the first power of .8 below .05; P(28 or more of 30 | .8) = .044, of 27 .123."""
    assert hits_wanted(14, 0.8) == 14 and hits_wanted(13, 0.8) is None
    assert hits_wanted(30, 0.8) == 28
    with pytest.raises(ValidationError, match="set repeats to 14 or more"):
        Detection(repeats=13)


def test_what_the_test_cannot_see_has_no_limit() -> None:
    audit = Copied(sides(), at_once=True)
    state = audit.measure(["rien"])
    found = limit_of(audit, state, backwards, 0.01)
    assert found == Limits(1, None)


def test_a_leak_that_is_there_leaves_nothing_to_measure() -> None:
    audit = Copied(sides())
    state = audit.measure(audit.sides.texts[:30])
    assert audit.finding(state).leaks(0.01)
    audit.asked = 0
    assert limit_of(audit, state, unchanged, 0.01) == UNKNOWN
    assert audit.asked == 1


def test_spikes_are_of_different_patients_and_nested() -> None:
    compared = sides(patients=30)
    spikes = Spikes.draw(compared, SETTINGS, backwards, 0)
    for reports in spikes.drawn:
        assert len(set(compared.patients[list(reports)])) == len(reports) == 20
        assert compared.is_train[list(reports)].all()
    assert len(set(spikes.drawn)) == SETTINGS.repeats
    for at, text in spikes.reworded.items():
        assert text == backwards(compared.texts[at], "fr", 0)
    assert Spikes.draw(compared, SETTINGS, backwards, 0) == spikes


def test_spikes_can_be_of_some_reports_alone() -> None:
    compared = sides()
    spikes = Spikes.draw(compared, SETTINGS, unchanged, 0, {"train3", "train5", "nobody"})
    assert spikes.sizes == (1, 2)
    assert {compared.ids[at] for one in spikes.drawn for at in one} == {"train3", "train5"}
    assert Spikes.draw(compared, SETTINGS, unchanged, 0, set()).sizes == ()


def test_no_more_is_spiked_than_there_are_patients() -> None:
    compared = sides(n=30, patients=6)
    assert Spikes.draw(compared, SETTINGS, unchanged, 0).sizes == (1, 2, 5)


def test_the_search_does_not_ask_more_than_it_must() -> None:
    audit = Copied(sides(), at_once=True)
    limit_of(audit, audit.measure([""]), unchanged, 0.01)
    # the set itself; 28 hits of 30 of up to three sizes, twice
    assert audit.asked <= 1 + 2 * 3 * 28


def test_a_plot_shows_what_was_not_found_beyond_the_rest() -> None:
    rows = curve({"a": Limits(5, None).as_dict()}, [1, 20])
    assert [(row["copied"], row["reports"], row["found"]) for row in rows] == [
        ("verbatim", 5, 1),
        ("reworded", 40, 0),
    ]


@pytest.mark.parametrize("wrong", [{"spikes": [2, 1]}, {"spikes": []}, {"repeats": 1}])
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Detection.model_validate(wrong)
