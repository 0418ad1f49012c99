"""The suffix array against brute force, on hand-made and on random texts."""

from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.privacy.matches import Matches

TEXTS = st.lists(st.text(alphabet="ab ", max_size=25), max_size=6)


def windows(texts: list[str], n: int) -> set[tuple[str, ...]]:
    split = [text.lower().split() for text in texts]
    return {tuple(words[i : i + n]) for words in split for i in range(len(words) - n + 1)}


def longest(text: str, others: list[str]) -> int:
    words = text.lower().split()
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(words)
    sizes = [0]
    for other in others:
        matcher.set_seq1(other.lower().split())
        sizes.append(matcher.find_longest_match().size)
    return max(sizes)


def test_by_hand() -> None:
    synthetic = ["Le patient va bien ce jour", "rien de commun"]
    real = ["hier le patient va mal", "il va bien ce jour même"]
    matches = Matches(synthetic, real)
    assert matches.longest_runs(0, 1).tolist() == [4, 0]  # "va bien ce jour"
    ids, texts = matches.ngrams(0, 3)
    assert texts.tolist() == [0, 0, 0, 0, 1]
    shared = np.isin(ids, matches.ngrams(1, 3)[0])
    assert shared.tolist() == [True, False, True, True, False]  # le patient va; va bien ce; ...


def test_a_match_does_not_run_over_the_end_of_a_text() -> None:
    assert Matches(["a b c d"], ["a b", "c d"]).longest_runs(0, 1).tolist() == [2]
    assert Matches(["a b", "c d"], ["a b c d"]).longest_runs(0, 1).tolist() == [2, 2]


def test_only_the_asked_source_counts() -> None:
    matches = Matches(["a b c"], ["a b c"], ["x b y"], ["q"])
    assert [matches.longest_runs(0, source)[0] for source in (1, 2, 3)] == [3, 1, 0]


@settings(max_examples=60, deadline=None)
@given(synthetic=TEXTS, real=TEXTS, other=TEXTS, n=st.integers(1, 7))
def test_against_brute_force(
    synthetic: list[str], real: list[str], other: list[str], n: int
) -> None:
    matches = Matches(synthetic, real, other)
    for source, texts in ((1, real), (2, other)):
        runs = [longest(text, texts) for text in synthetic]
        assert matches.longest_runs(0, source).tolist() == runs
        ours, theirs = (np.unique(matches.ngrams(corpus, n)[0]) for corpus in (0, source))
        one, two = windows(synthetic, n), windows(texts, n)
        assert (len(ours), len(theirs)) == (len(one), len(two))
        assert np.intersect1d(ours, theirs).size == len(one & two)


def test_words_are_split_at_white_space_in_any_script() -> None:
    assert Matches(["Пациент жалуется на боль"], ["пациент ЖАЛУЕТСЯ на кашель"]).longest_runs(
        0, 1
    ).tolist() == [3]


def test_an_ngram_has_words() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        Matches(["a"], ["b"]).ngrams(0, 0)
