"""N-grams: numbered exactly, found where they stand, never across texts."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthfr.privacy.token_ngrams import NgramsByOrder
from synthfr.text.tokens import words_and_signs

TEXTS = st.lists(st.text(alphabet="ab é.", max_size=12), min_size=1, max_size=5)


def test_a_small_text_by_hand() -> None:
    ngrams = NgramsByOrder(["a b a"], 2)
    assert ngrams.sizes == (3, 3)  # end, a, b; a-b, a-end, b-a
    found, contexts, text_of = ngrams.stand_in(["b a", "c a b"])
    end, a, b = 0, 1, 2
    assert found[0].tolist() == [b, a, end, -1, a, b, end]
    assert contexts[0].tolist() == [0] * 7
    a_b, a_end, b_a = 1, 0, 2  # by context, then by token
    assert found[1].tolist() == [-1, b_a, a_end, -1, -1, a_b, -1]
    assert contexts[1].tolist() == [-1, b, a, -1, -1, a, b]
    assert text_of.tolist() == [0, 0, 0, 1, 1, 1, 1]


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_counts_are_those_of_plain_python(known: list[str], texts: list[str], order: int) -> None:
    ngrams = NgramsByOrder(known, order)
    found, _, _ = ngrams.stand_in(texts)
    for length in range(1, order + 1):
        ours = _plain(known, length)
        counts = [n for one, n in _plain(texts, length).items() if one in ours]
        numbers = found[length - 1]
        assert ngrams.sizes[length - 1] == len(ours)
        assert sorted(counts) == sorted(np.unique_counts(numbers[numbers >= 0]).counts.tolist())


def _plain(texts: list[str], length: int) -> Counter[tuple[str, ...]]:
    split = [[*words_and_signs(text), "END"] for text in texts]
    return Counter(
        tuple(one[i : i + length]) for one in split for i in range(len(one) - length + 1)
    )
