"""Repetition on hand-counted texts; self-BLEU by nltk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.repetition import among_alike, distinct, self_bleu, within_groups

TEXTS = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=9).map(" ".join), min_size=2, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_self_bleu_is_that_of_nltk(texts: list[str]) -> None:
    translate = pytest.importorskip("nltk.translate.bleu_score")
    smooth = translate.SmoothingFunction().method1
    tokens = [text.split() for text in texts]
    expected = [
        # nltk gives a copy of fewer than four words less than 1
        1
        if tokens.count(own) > 1
        else translate.sentence_bleu(
            tokens[:row] + tokens[row + 1 :], own, smoothing_function=smooth
        )
        for row, own in enumerate(tokens)
    ]
    assert self_bleu(texts) == pytest.approx(sum(expected) / len(expected))


def test_copies_and_strangers() -> None:
    assert self_bleu(["le patient va bien ce jour"] * 3) == pytest.approx(1)
    assert self_bleu(["un deux trois", "quatre cinq six"]) == 0
    # copies that are too short for an n-gram, or empty
    assert self_bleu(["Rien.", "rien"]) == 1
    assert self_bleu(["", "", "", "un deux"]) == 3 / 4
    with pytest.raises(ValueError, match="alone"):
        self_bleu(["seul"])


def test_distinct() -> None:
    assert distinct(["a b a", "a b"], 1) == 2 / 5
    assert distinct(["a b a", "a b"], 2) == 2 / 3
    assert distinct(["a"], 2) == 0


def test_among_alike() -> None:
    texts = ["a b c d", "a b c d", "e f g h", "i j k l", "m"]
    # the pair of copies: 1; the pair of strangers: 0; "m" has no other of its kind
    assert among_alike(texts, ["x", "x", "y", "y", "z"]) == pytest.approx(0.5)
    assert among_alike(texts, range(5)) is None
    # pairs, however many are alike: of four copies and a stranger, two pairs of copies
    assert among_alike(["a b c d"] * 4 + ["e f g h"], ["x"] * 5) == pytest.approx(1)


def test_within_groups() -> None:
    texts = ["a b c d", "e f g h", "a b c d", "i j k l", "m"]
    # copies: 1, 3 of 6 pairs different; strangers: 0, all different; "m" is alone
    assert within_groups(texts, "xyxyz", 2, 9) == pytest.approx((0.5, 0.75))
    # of one group: the first
    assert within_groups(texts, "xyxyz", 2, 1) == pytest.approx((1, 0.5))
    assert within_groups(texts, range(5), 2, 9) is None
    # copies in other groups are no repetition within one
    assert within_groups(texts, "xxyyz", 2, 9) == pytest.approx((0, 1))


def test_a_collapse_onto_hardly_any_text_is_no_variety() -> None:
    short = ["Rien.", "rien", "a b c d", "e f g h"]
    # copies of one word: 1, no pair; strangers: 0, all pairs different
    assert within_groups(short, "xxyy", 2, 9) == pytest.approx((0.5, 0.5))
    # groups without a word are left out, before groups are chosen
    empty = ["", " ", "...", "", *short]
    assert within_groups(empty, "aabbxxyy", 2, 9) == within_groups(short, "xxyy", 2, 9)
    assert within_groups(empty, "aabbxxyy", 2, 1) == (1, 0)
    assert within_groups(["", "."], "xx", 2, 9) is None
    # one that has a word counts as a whole
    assert within_groups(["", "", "", "a b"], "xxxx", 2, 9) == (3 / 4, 1)
