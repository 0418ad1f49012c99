"""The n-gram language model: probabilities by hand, and sums to one."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from synthfr.privacy.membership.language_model import LanguageModel


def test_probabilities_by_hand() -> None:
    model = LanguageModel(["a b"], order=2, pull=2.0)
    counts = model.counts(["a b", "a c"])  # six tokens with the ends; c is unknown
    even = 1 / 4  # a, b, end, unknown
    a = (2 + 2 * even) / (6 + 2)
    b = (1 + 2 * even) / (6 + 2)
    end = (2 + 2 * even) / (6 + 2)
    by_hand = [log(a), log((1 + 2 * b) / (2 + 2)), log((1 + 2 * end) / (1 + 2))]
    assert model.likelihoods(counts) == pytest.approx(by_hand)


def test_the_probabilities_of_all_tokens_sum_to_one() -> None:
    pull = 1.5
    model = LanguageModel(["a b a", "a b b", "a b c", "a b"], order=3, pull=pull)
    counts = model.counts(["a b c", "a b", "c a b a", "b a"])
    likely = np.exp(model.likelihoods(counts))
    behind_a_b = likely[[2, 6, 10, 14]]  # a, b, c, the end
    # any other token: never seen, in 15 tokens, behind four b, three of them behind a
    unknown = 1 / 5
    for seen in (15, 4, 3):
        unknown *= pull / (seen + pull)
    assert behind_a_b.sum() + unknown == pytest.approx(1)


def test_without_texts_all_tokens_are_alike() -> None:
    model = LanguageModel(["a b", ""], order=3, pull=1.0)
    assert np.exp(model.likelihoods(model.counts([]))) == pytest.approx(1 / 4)


def test_the_owners_own_texts_do_not_count() -> None:
    texts = ["a b c", "a b d", "e"]
    model = LanguageModel(texts, order=3, pull=2.0)
    owners = np.array([0, 0, 1])[model.text_of]
    mine = model.own_likelihoods(owners)
    assert mine[:8] == pytest.approx(model.likelihoods(model.counts(["e"]))[:8])
    assert mine[8:] == pytest.approx(model.likelihoods(model.counts(texts[:2]))[8:])
