"""Numbered n-grams against sets of tuples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.privacy.coded import Coded, Vocabulary
from synthfr.privacy.ngrams import NONE, Ngrams, covered, n_different, patients_with
from synthfr.text.tokens import lower_words

TEXTS = st.lists(st.text(alphabet="abc ", max_size=25), max_size=6)


def coded(*corpora: list[str]) -> list[Coded]:
    vocabulary = Vocabulary(lower_words)
    return [vocabulary.code(corpus) for corpus in corpora]


def windows(text: str, n: int) -> list[tuple[str, ...] | None]:
    """The n-gram at each word, None where fewer are left, and None for the end."""
    own = lower_words(text)
    found = [tuple(own[at : at + n]) for at in range(len(own))]
    return [*(gram if len(gram) == n else None for gram in found), None]


@settings(max_examples=200, deadline=None)
@given(real=TEXTS, other=TEXTS, n=st.integers(1, 9))
def test_equal_ngrams_have_equal_numbers(real: list[str], other: list[str], n: int) -> None:
    corpus, texts = coded(real, other)
    table = Ngrams(corpus, n)
    expected = [gram for text in real for gram in windows(text, n)]
    numbers: dict[tuple[str, ...], int] = {}
    for gram, number in zip(expected, table.ids.tolist(), strict=True):
        if gram is None:
            assert number == NONE
        else:
            assert numbers.setdefault(gram, number) == number
    assert sorted(numbers.values()) == list(range(len(numbers))) and len(numbers) <= table.size
    asked = [gram for text in other for gram in windows(text, n)]
    found = table.look_up(texts.numbers).tolist()
    assert found == [NONE if gram is None else numbers.get(gram, NONE) for gram in asked]
    assert n_different(texts, n) == len(set(asked) - {None})


def test_an_ngram_has_words() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        Ngrams(coded(["a"])[0], 0)


def test_patients_of_an_ngram_are_counted_once() -> None:
    (corpus,) = coded(["a b", "a b a b", "b a"])
    table = Ngrams(corpus, 2)
    patients = np.array([0, 0, 1])[corpus.text_of].astype(np.int32)
    n_patients, only = patients_with(table.ids, patients, table.size)
    assert n_patients.tolist() == [1, 2]  # ab: twice of the same patient; ba: of both
    assert only.tolist() == [0, -1]
    patients[corpus.text_of == 1] = -1
    assert patients_with(table.ids, patients, table.size)[0].tolist() == [1, 1]


def test_blocks_hold_whole_texts() -> None:
    (corpus,) = coded(["a b", "c", "", "d e f g h", "i"])
    parts = list(corpus.blocks(4))
    assert [(part.start, part.stop) for part, _ in parts] == [(0, 1), (1, 3), (3, 4), (4, 5)]
    whole = np.concatenate([block.numbers for _, block in parts])
    assert whole.tolist() == corpus.numbers.tolist()


def test_positions_covered() -> None:
    begins = np.array([0, 1, 0, 0, 0, 1], dtype=bool)
    assert covered(begins, 3).tolist() == [False, True, True, True, False, True]
