"""Attribute inference: the right code by hand, copies of train found, independent reports not."""

from __future__ import annotations

import numpy as np
import pytest

from synthfr.privacy.attributes import AttributeInference, Attributes
from synthfr.privacy.sides import Sides
from tests.privacy import made


def inference(sides: Sides, draw: int = 0) -> AttributeInference:
    return AttributeInference(sides, Attributes(), draw)


def hand_made() -> Sides:
    """Two reports of three codes or one, told apart by their words."""
    return Sides(
        ids=("a", "b", "c", "d"),
        texts=("un deux trois", "quatre cinq six", "sept huit neuf", "dix onze douze"),
        codes=(("I10", "E11"), ("I10",), (), ("J44",)),
        languages=("fr",) * 4,
        is_train=np.array([True, True, False, False]),
        patients=np.arange(4),
    )


def test_the_code_of_the_most_similar_report_is_guessed() -> None:
    sides = hand_made()
    attack = AttributeInference(sides, Attributes(known_share=0.9), 0)
    state = attack.measure(
        ["deux trois un", "quatre cinq", "dix onze"], [["I10", "E11", "Z99"], ["J44"], ["J44"]]
    )
    guess, lead = attack.guesses(state)
    # by number: I10 (twice), then E11 and J44; of the first report either is the secret
    assert guess[0] in (0, 1) and guess[0] == attack._secret[0]
    assert guess[1] == 2 and attack._secret[1] == 0  # the synthetic report has another code
    assert attack._secret[2] == -1  # no code: nothing to guess
    assert guess[3] == 2 and lead[3] > 0.5
    found = attack.finding(state)
    everything = found.measures["all_guesses"]
    assert everything["train"]["mean"] == 0.5  # type: ignore[index]
    assert everything["holdout"]["mean"] == 0.5  # type: ignore[index]


def test_the_baseline_is_the_most_frequent_code_not_known() -> None:
    attack = AttributeInference(hand_made(), Attributes(), 0)
    # b: I10, the most frequent; a: the secret is the other one of two; d: I10 is not J44
    right = attack._most_frequent()
    assert right[1] and not right[2] and not right[3]


def test_a_generator_that_copies_train_is_caught() -> None:
    sides, others = made.sides()
    attack = inference(sides)
    independent = attack.measure(others["text"].tolist(), others["codes"].tolist())
    copied = made.copies(sides, 24)  # of 120
    copies = attack.measure([sides.texts[i] for i in copied], [sides.codes[i] for i in copied])
    found = attack.finding(attack.join(independent, copies))
    assert found.leaks(0.01) and found.risk == "inference"
    whole = attack.finding(attack.measure(sides.texts[:120], sides.codes[:120]))
    everything = whole.measures["all_guesses"]
    assert everything["train"]["mean"] > 0.9 > everything["holdout"]["mean"]  # type: ignore[index]
    assert everything["risk"] > 0.8  # type: ignore[index]


def test_wrong_codes_give_nothing_away() -> None:
    sides, _ = made.sides()
    attack = inference(sides)
    wrong = [sides.codes[(i + 7) % 120] for i in range(120)]
    assert not attack.finding(attack.measure(sides.texts[:120], wrong)).leaks(0.01)


def test_an_independent_generator_is_not_caught() -> None:
    p_values = []
    for draw in range(20):
        sides, others = made.sides(draw)
        attack = inference(sides, draw)
        state = attack.measure(others["text"].tolist(), others["codes"].tolist())
        p_values.append(attack.finding(state).p_value)
    assert sum(p <= 0.05 for p in p_values) < 4


def test_parts_are_the_whole() -> None:
    sides, others = made.sides()
    texts, codes = others["text"].tolist()[:40], [list(one) for one in others["codes"]][:40]
    attack = inference(sides)
    whole = attack.measure(texts, codes)
    parts = attack.join(attack.measure(texts[:7], codes[:7]), attack.measure(texts[7:], codes[7:]))
    assert np.array_equal(whole, parts)


def test_texts_without_codes_are_refused() -> None:
    sides, _ = made.sides()
    for codes in (None, [["I10"]]):
        with pytest.raises(ValueError, match="wants the codes of each of the 2 texts"):
            inference(sides).measure(["a", "b"], codes)


def test_private_reports_without_any_code() -> None:
    sides, _ = made.sides()
    bare = Sides(
        sides.ids, sides.texts, ((),) * len(sides.ids), sides.languages, sides.is_train,
        sides.patients,
    )  # fmt: skip
    attack = inference(bare)
    found = attack.finding(attack.measure(["a"], [["I10"]]))
    assert found.train == found.holdout == 0 and found.p_value == 1
