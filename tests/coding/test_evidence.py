"""From tokens to words, by hand."""

import pytest

from synthfr.coding.evidence import words_behind

TEXT = "TA 14/9, fièvre"


def test_weights_of_a_word_are_those_of_its_tokens() -> None:
    offsets = [(0, 0), (0, 2), (2, 5), (5, 8), (9, 12), (12, 15), (0, 0)]  # " 14" has its space
    found = words_behind(TEXT, offsets, [0.2, 0.1, 0.05, 0.15, 0.3, 0.1, 0.1])
    assert [TEXT[one.start : one.end] for one in found] == ["TA", "14/9,", "fièvre"]
    assert [one.weight for one in found] == pytest.approx([0.1, 0.2, 0.4])  # special tokens: 0.3


def test_a_token_over_two_words_is_shared_by_characters() -> None:
    found = words_behind("ab cdef", [(0, 7)], [0.6])
    assert [one.weight for one in found] == pytest.approx([0.2, 0.4])


def test_words_behind_the_limit_have_none_and_a_blank_text_has_no_word() -> None:
    assert [one.weight for one in words_behind("ab cd", [(0, 2)], [1.0])] == [1.0, 0.0]
    assert words_behind(" \n", [(0, 1)], [1.0]) == []
    with pytest.raises(ValueError):  # the control: a weight too few
        words_behind("ab cd", [(0, 2), (3, 5)], [1.0])
