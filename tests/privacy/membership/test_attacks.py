"""Attacks on membership: what copies or rewords train is caught, what is independent is not."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from synthfr.privacy.membership.language_model import LanguageModelAttack
from synthfr.privacy.membership.nearest import NearestNeighbour
from synthfr.privacy.membership.settings import Membership
from tests.privacy import made

ATTACKS = [NearestNeighbour, LanguageModelAttack]
Attack = NearestNeighbour | LanguageModelAttack


@pytest.fixture(params=ATTACKS)
def kind(request: pytest.FixtureRequest) -> type[Attack]:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("reworded", [False, True])
def test_a_generator_that_repeats_train_is_caught(kind: type[Attack], reworded: bool) -> None:
    sides, others = made.sides()
    attack = kind(sides, Membership(), 0)
    independent = attack.measure(others["text"].tolist())
    # a model of word sequences loses most of them with another wording
    faint = reworded and kind is LanguageModelAttack
    texts = [sides.texts[at] for at in made.copies(sides, 20 if faint else 12)]  # of 120
    if reworded:
        texts = [made.reworded(text) for text in texts]
    found = attack.finding(attack.join(independent, attack.measure(texts)))  # type: ignore[arg-type]
    assert found.leaks(0.05 if faint else 0.01)


def test_all_of_train_repeated_is_an_auc_of_one(kind: type[Attack]) -> None:
    sides, _ = made.sides()
    attack = kind(sides, Membership(), 0)
    found = attack.finding(attack.measure(sides.texts[: made.SIZE]))  # type: ignore[arg-type]
    assert found.train == 1.0 and found.measures["auc"]["mean"] > 0.99  # type: ignore[index]


def test_a_generator_trained_on_train_is_caught(kind: type[Attack]) -> None:
    sides, others = made.sides()
    attack = kind(sides, Membership(), 0)
    for texts, learnt in ((list(sides.texts[: made.SIZE]), True), (others["text"].tolist(), False)):
        written = made.trained_on(texts, made.SIZE)
        assert len(set(written) - set(texts)) > made.SIZE / 2  # it does not merely copy
        found = attack.finding(attack.measure(written))  # type: ignore[arg-type]
        assert found.leaks(0.01) == learnt


def test_an_independent_generator_is_not(kind: type[Attack]) -> None:
    p_values, aucs = [], []
    for draw in range(20):
        sides, others = made.sides(draw)
        attack = kind(sides, Membership(), draw)
        found = attack.finding(attack.measure(others["text"].tolist()))  # type: ignore[arg-type]
        p_values.append(found.p_value)
        aucs.append(found.measures["auc"]["mean"])  # type: ignore[index]
    # of twenty, four or more below .05 have a probability of 1.6 %
    assert sum(p <= 0.05 for p in p_values) < 4
    assert 0.2 < np.median(p_values) < 0.8
    assert 0.46 < np.mean(aucs) < 0.54


def test_parts_are_the_whole(kind: type[Attack]) -> None:
    sides, others = made.sides()
    texts = [*others["text"].tolist()[:30], *sides.texts[:5], "", "😀", "x"]
    attack = kind(sides, Membership(), 0)
    whole = attack.measure(texts)
    for cut in (0, 1, 33, len(texts)):
        parts = attack.join(attack.measure(texts[:cut]), attack.measure(texts[cut:]))
        assert np.array_equal(parts, whole)
    assert np.array_equal(attack.measure(texts[::-1]), whole)  # order is nothing


def test_accents_in_two_characters_change_nothing(kind: type[Attack]) -> None:
    sides, _ = made.sides()
    attack = kind(sides, Membership(), 0)
    apart = [unicodedata.normalize("NFD", text) for text in sides.texts[:20]]
    assert apart != list(sides.texts[:20])
    assert np.array_equal(attack.measure(apart), attack.measure(sides.texts[:20]))


def test_texts_without_a_word_and_no_texts_are_no_finding(kind: type[Attack]) -> None:
    sides, _ = made.sides()
    attack = kind(sides, Membership(), 0)
    for texts in ([], ["", "...", "😀 😀"]):
        assert attack.finding(attack.measure(texts)).p_value > 0.01  # type: ignore[arg-type]
