"""Near-duplicates: all pairs are the oracle."""

from __future__ import annotations

import pytest

from synthfr.privacy.best_match import Index
from synthfr.privacy.near_duplicates import near_duplicates
from synthfr.text.tokens import alphanumeric_words
from tests.privacy.corpora import random_texts


def jaccard(one: str, other: str) -> float:
    def grams(text: str) -> set[tuple[str, ...]]:
        words = alphanumeric_words(text)
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    return len(grams(one) & grams(other)) / max(len(grams(one) | grams(other)), 1)


def changed(text: str, n: int) -> str:
    words = text.split()
    step = len(words) // max(n, 1)
    return " ".join("neu" if n and at % step == 0 else word for at, word in enumerate(words))


def near(synthetic: list[str], private: list[str], threshold: float) -> set[tuple[int, int]]:
    index = Index(private)
    found = near_duplicates(index, index.vocabulary.code(synthetic), threshold, 0)
    return {(int(s), int(p)) for s, p in zip(*found, strict=True)}


@pytest.mark.parametrize("script", ["latin", "cyrillic"])
@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_equal_to_all_pairs(threshold: float, script: str) -> None:
    private = random_texts(40, 1, 120, script)
    synthetic = [changed(text, n % 12) for n, text in enumerate(private)] + private[:3]
    expected = {
        (s, p)
        for s, text in enumerate(synthetic)
        for p, report in enumerate(private)
        if jaccard(text, report) >= threshold
    }
    found = near(synthetic, private, threshold)
    assert found == expected and 3 < len(found) < 43


def test_repetitions_do_not_count() -> None:
    assert near(["a b c d e f " * 9], ["a b c d e f " * 4], 1.0) == {(0, 0)}


def test_other_reports_and_empty_ones_are_no_duplicates() -> None:
    assert near(random_texts(30, 1), random_texts(30, 2), 0.5) == set()
    assert near(["", "mot", "a b c d", "😀"], ["", "mot", "a b c d", "😀"], 0.5) == set()
    assert near([], ["a b c d e"], 0.5) == set()


def test_pairs_are_the_same_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    private = random_texts(30, 1, 60)
    synthetic = [changed(text, n % 3) for n, text in enumerate(private)]
    whole = near(synthetic, private, 0.5)
    monkeypatch.setattr("synthfr.privacy.near_duplicates._BLOCK_WORDS", 100)
    monkeypatch.setattr("synthfr.privacy.near_duplicates._PAIRS", 2)
    assert near(synthetic, private, 0.5) == whole and len(whole) >= 30
