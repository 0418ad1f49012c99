"""Whole and worst-window similarity, against an encoder whose vectors are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from synthfr.scoring import windows
from synthfr.scoring.similarity import cosines, similarities


class Letters:
    """Counts of a, b and c as a unit vector."""

    weights = None
    measures: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self.passes: list[list[str]] = []

    def fit(self, private_texts: Sequence[str]) -> None:
        raise NotImplementedError

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.passes.append(list(texts))
        counts = np.array([[text.count(letter) for letter in "abc"] for text in texts], dtype=float)
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        return (counts / np.where(lengths == 0, 1, lengths)).astype(np.float32)

    def windows(
        self, text: str, window_tokens: int, stride_tokens: int, within_tokens: int | None = None
    ) -> list[str]:
        spans = [(place, place + 1) for place in range(len(text))]
        return windows.cut(text, spans, window_tokens, stride_tokens, within_tokens)


def test_mean_of_whole_and_worst_window() -> None:
    encoder = Letters()
    # windows of "aabb": aa, ab, bb; the whole is at 45 degrees to "aaaa", the worst at 90
    found = similarities(encoder, ["aabb", "aa"], ["aaaa"], np.array([0, 0]), 2, 1)
    assert found == pytest.approx([(np.sqrt(0.5) + 0) / 2, 1])


def test_windows_of_the_beginning_alone() -> None:
    """Windows of "aabb" within its first two letters: "aa", which is as good as can be."""
    whole, wanted = np.sqrt(0.5), np.array([0])
    found = similarities(Letters(), ["aabb"], ["aaaa"], wanted, 2, 1, within_tokens=2)
    assert found == pytest.approx([(whole + 1) / 2])
    found = similarities(Letters(), ["aabb"], ["aaaa"], wanted, 2, 1, within_tokens=3)
    assert found == pytest.approx([(whole + np.sqrt(0.5)) / 2])
    found = similarities(Letters(), ["aabb"], ["aaaa"], wanted, 2, 1, within_tokens=4)
    assert found == pytest.approx([(whole + 0) / 2])  # the control: all of it


def test_one_pass_and_each_document_once() -> None:
    encoder = Letters()
    similarities(encoder, ["ab", "abc", "c"], ["aaa", "ccc"], np.array([0, 0, 1]), 2, 1)
    assert encoder.passes == [["aaa", "ccc", "ab", "abc", "c", "ab", "bc"]]


def test_each_candidate_meets_its_own_document() -> None:
    """Negative control: with the documents exchanged, nothing is similar."""
    texts, documents = ["aa", "bb", "aa"], ["a", "b"]
    right = similarities(Letters(), texts, documents, np.array([0, 1, 0]), 5, 1)
    wrong = similarities(Letters(), texts, documents, np.array([1, 0, 1]), 5, 1)
    assert right == pytest.approx([1, 1, 1])
    assert wrong == pytest.approx([0, 0, 0])


def test_a_blank_candidate_is_similar_to_nothing() -> None:
    class Constant(Letters):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 1), dtype=np.float32)

    found = similarities(Constant(), ["", " \n", "a"], ["a"], np.array([0, 0, 0]), 5, 1)
    assert found.tolist() == [0, 0, 1]


def test_dense_and_sparse_agree_and_stay_in_range() -> None:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    one, other = (rng.normal(size=(9, 5)).astype(np.float32) for _ in range(2))
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    assert cosines(one, other) == pytest.approx(
        cosines(csr_matrix(one), csr_matrix(other)), abs=1e-6
    )
    assert cosines(one * 1.001, one).max() == 1
