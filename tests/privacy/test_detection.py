"""Detection limits: known where the test's power is known, none where it sees nothing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from synthfr.privacy.detection import UNKNOWN, Detection, Limits, Spikes, curve, limits
from tests.privacy.toy import Copied, backwards, sides, unchanged

SETTINGS = Detection()


def test_a_test_that_accuses_at_one_copy_finds_one() -> None:
    audit = Copied(sides(), at_once=True)
    state = audit.measure(["rien"])
    found = limits(audit, state, Spikes(audit.sides, SETTINGS, unchanged, 0), 0.01)
    assert found == Limits(1, 1)


def test_a_difference_takes_as_many_copies_as_chance_asks_for() -> None:
    """Of k copies of 60 train reports and none of 60 others, chance alone puts all k on one side
    with probability about 2 ** -k: at a level of .02, 5 do not suffice (.029), 10 do (.0005).
    """
    audit = Copied(sides())
    state = audit.measure(["rien"])
    found = limits(audit, state, Spikes(audit.sides, SETTINGS, unchanged, 0), 0.02)
    assert found == Limits(10, 10)
    easier = limits(audit, state, Spikes(audit.sides, SETTINGS, unchanged, 0), 0.05)
    assert easier.verbatim == 5


def test_what_the_test_cannot_see_has_no_limit() -> None:
    audit = Copied(sides(), at_once=True)
    state = audit.measure(["rien"])
    found = limits(audit, state, Spikes(audit.sides, SETTINGS, backwards, 0), 0.01)
    assert found == Limits(1, None)


def test_a_leak_that_is_there_leaves_nothing_to_measure() -> None:
    audit = Copied(sides())
    state = audit.measure(audit.sides.texts[:30])
    assert audit.finding(state).leaks(0.01)
    audit.asked = 0
    assert limits(audit, state, Spikes(audit.sides, SETTINGS, unchanged, 0), 0.01) == UNKNOWN
    assert audit.asked == 1


def test_spikes_are_of_different_patients_and_nested() -> None:
    compared = sides(patients=30)
    spikes = Spikes(compared, SETTINGS, backwards, 0)
    owner = dict(zip(compared.texts, compared.patients.tolist(), strict=True))
    train = set(compared.texts[: int(compared.is_train.sum())])
    for texts in spikes.verbatim:
        assert len({owner[text] for text in texts}) == len(texts) == 20
        assert set(texts) <= train
    assert len({tuple(texts) for texts in spikes.verbatim}) == SETTINGS.repeats
    other = [backwards(text, "fr", 0) for text in spikes.verbatim[0]]
    assert spikes.reworded[0] == other
    again = Spikes(compared, SETTINGS, backwards, 0)
    assert again.verbatim == spikes.verbatim


def test_no_more_is_spiked_than_there_are_patients() -> None:
    compared = sides(n=30, patients=6)
    assert Spikes(compared, SETTINGS, unchanged, 0).sizes == [1, 2, 5]


def test_the_search_does_not_ask_more_than_it_must() -> None:
    audit = Copied(sides(), at_once=True)
    limits(audit, audit.measure([""]), Spikes(audit.sides, SETTINGS, unchanged, 0), 0.01)
    # the set itself; 8 hits of 10 of up to three sizes, twice
    assert audit.asked <= 1 + 2 * 3 * 8


def test_a_plot_shows_what_was_not_found_beyond_the_rest() -> None:
    rows = curve({"a": Limits(5, None)}, [1, 20])
    assert [(row["copied"], row["reports"], row["found"]) for row in rows] == [
        ("verbatim", 5, 1),
        ("reworded", 40, 0),
    ]


@pytest.mark.parametrize("wrong", [{"spikes": [2, 1]}, {"spikes": []}, {"repeats": 1}])
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Detection.model_validate(wrong)
