"""Counted words and word n-grams against scikit-learn's CountVectorizer, entry by entry."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.coding import columns, word_ngrams

TEXTS = ["Fièvre fièvre, toux ++", "toux ++ sans fièvre", "", "a ab a b", "A b. AB a"]
# a prefix of another word, signs, upper case, letters beyond Latin, and what is no word
PIECES = ["a", "ab", "b", "A", "é", "z1", "_", "+", "+>", "<", "я", "病", "İ", ".", "-", "\n"]


def test_by_hand() -> None:
    found = word_ngrams.counted(["b a b", "a b", "c"], 2, 1)
    assert found.toarray().tolist() == [  # a, a b, b, b a, c
        [1, 1, 2, 1, 0],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 0, 1],
    ]
    assert word_ngrams.counted(["b a b", "a b", "c"], 2, 2).toarray().tolist() == [
        [1, 1, 2],
        [1, 1, 1],
        [0, 0, 0],
    ]


def test_no_word_pair_reaches_over_two_texts() -> None:
    apart = word_ngrams.counted(["x y", "y z"], 2, 1)
    assert apart.shape[1] == word_ngrams.counted(["x y y z"], 2, 1).shape[1] - 1  # "y y"


@pytest.mark.parametrize("max_ngram", [1, 2, 3, 5])
@pytest.mark.parametrize("fewest", [1, 2])
def test_same_as_scikit_learn(max_ngram: int, fewest: int) -> None:
    _check(TEXTS, max_ngram, fewest)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), max_size=6),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_same_as_scikit_learn_of_any_text(texts: list[str], max_ngram: int, fewest: int) -> None:
    _check([*texts, "a"], max_ngram, fewest)


def test_the_check_sees_another_order() -> None:
    """Control: columns in the order of the words' first letters alone are other columns."""
    found = word_ngrams.counted(TEXTS, 2, 1)
    turned = found[:, ::-1].tocsr()
    turned.sort_indices()
    assert not _same(turned, _theirs(TEXTS, 2, 1))


def test_texts_without_a_word() -> None:
    with pytest.raises(ValueError, match="no word"):
        word_ngrams.counted(["", "..."], 2, 1)
    assert word_ngrams.counted(["un", "deux"], 2, 2).shape == (2, 0)  # none that two texts have


def test_columns_by_number() -> None:
    from scipy.sparse import csr_matrix

    matrix = csr_matrix(np.array([[1, 2, 0, 3], [0, 0, 4, 0], [5, 0, 0, 6]]))
    kept = np.array([True, False, False, True])
    assert columns.numbered(kept).tolist() == [0, -1, -1, 1]
    found = columns.only(matrix, columns.numbered(kept))
    assert found.toarray().tolist() == matrix[:, kept].toarray().tolist()
    turned = columns.only(matrix, np.array([1, -1, -1, 0], dtype=np.int32), matrix.data * 10)
    assert turned.toarray().tolist() == [[30, 10], [0, 0], [60, 50]]


def _check(texts: list[str], max_ngram: int, fewest: int) -> None:
    found = word_ngrams.counted(texts, max_ngram, fewest)
    assert _same(found, _theirs(texts, max_ngram, fewest))


def _theirs(texts: list[str], max_ngram: int, fewest: int):  # type: ignore[no-untyped-def]
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        ngram_range=(1, max_ngram), token_pattern=word_ngrams.TOKEN_PATTERN, lowercase=True
    )
    counts = counter.fit_transform(texts).tocsr()
    counts = counts[:, np.flatnonzero(counts.getnnz(axis=0) >= fewest)]
    counts.sort_indices()
    return counts


def _same(one, other) -> bool:  # type: ignore[no-untyped-def]
    return one.shape == other.shape and all(
        np.array_equal(getattr(one, part), getattr(other, part))
        for part in ("indptr", "indices", "data")
    )
