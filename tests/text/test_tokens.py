import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.text import ngrams, tokens


def test_words_of_any_script() -> None:
    assert tokens("L'été 2019: мår_é, ÅÄÖ!") == ["l", "été", "2019", "мår", "é", "åäö"]


def test_punctuation_alone_has_no_words() -> None:
    assert tokens("... ; — _ !") == []


def test_ngrams_in_order() -> None:
    assert list(ngrams(["a", "b", "c", "d"], 3)) == [("a", "b", "c"), ("b", "c", "d")]


@given(st.lists(st.text(max_size=3), max_size=20), st.integers(1, 6))
@settings(deadline=None)
def test_number_of_ngrams(items: list[str], n: int) -> None:
    assert len(list(ngrams(items, n))) == max(0, len(items) - n + 1)


def test_ngrams_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ngrams(["a"], 0)
