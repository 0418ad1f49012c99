"""5-gram best match: rouge-score on all pairs is the oracle where it can read the text."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from synthfr.privacy import best_match
from synthfr.privacy.best_match import BestMatches, Index, best_matches
from synthfr.text.tokens import alphanumeric_words
from tests.privacy.corpora import copied, random_texts

TEXTS = st.lists(st.text(alphabet="ab. ", max_size=40), min_size=1, max_size=8)


def matched(synthetic: list[str], private: list[str], kept: int = 10) -> BestMatches:
    index = Index(private)
    (found,) = best_matches(index, index.vocabulary.code(synthetic), [(0, len(private))], kept)
    return found


def shared(one: str, other: str, n: int = 5) -> int:
    def grams(text: str) -> Counter[tuple[str, ...]]:
        words = alphanumeric_words(text)
        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))

    return (grams(one) & grams(other)).total()


def test_by_hand() -> None:
    found = matched(["a b c d e f"], ["x a b c d e y z", "a b c d e f g h", "q"])
    # of the two 5-grams of the synthetic text, the second report has both, among four of its own
    assert found.reports[0].tolist()[:3] == [1, 0, -1]
    assert found.shared[0].tolist()[:3] == [2, 1, 0]
    assert found.recalls[0, 0] == 1 and found.precisions[0, 0] == 2 / 4
    assert found.f_measures[0, 0] == pytest.approx(2 / 3)
    assert found.recalls[0, 2] == found.precisions[0, 2] == found.f_measures[0, 2] == 0


def test_repeated_ngrams_count_as_often_as_both_have_them() -> None:
    found = matched(["a a a a a a a"], ["a a a a a a", "a a a a a a a a a"])
    assert found.shared[0, :2].tolist() == [3, 2]  # min(3, 5) and min(3, 2)
    assert found.recalls[0, 0] == 1 and found.precisions[0, 0] == 3 / 5


@settings(max_examples=150, deadline=None)
@given(synthetic=TEXTS, private=TEXTS)
def test_equal_to_rouge_score_on_all_pairs(synthetic: list[str], private: list[str]) -> None:
    found = matched(synthetic, private)
    scorer = RougeScorer(["rouge5"])
    for row, text in enumerate(synthetic):
        scores = [scorer.score(text, report)["rouge5"] for report in private]
        best = max(range(len(private)), key=lambda report: scores[report].recall)
        assert found.recalls[row, 0] == pytest.approx(scores[best].recall)
        if scores[best].recall:
            assert found.reports[row, 0] == best  # the first one on ties
            assert found.precisions[row, 0] == pytest.approx(scores[best].precision)
            assert found.f_measures[row, 0] == pytest.approx(scores[best].fmeasure)
        else:
            assert found.reports[row, 0] == -1


@settings(max_examples=100, deadline=None)
@given(synthetic=TEXTS, private=TEXTS, kept=st.integers(1, 3), cost=st.sampled_from([1, 2, 10**6]))
def test_pruning_changes_nothing(
    synthetic: list[str], private: list[str], kept: int, cost: int
) -> None:
    """Whatever counts as frequent: everything, something, or nothing."""
    limits = pytest.MonkeyPatch()
    limits.setattr(best_match, "_SPARSE_COST", cost)
    limits.setattr(best_match, "_BLOCK_STEPS", 5)
    with limits.context():
        found = matched(synthetic, private, kept)
    limits.undo()
    for row, text in enumerate(synthetic):
        all_pairs = sorted(
            ((-shared(text, report), number) for number, report in enumerate(private))
        )
        expected = [(-m, number) for m, number in all_pairs if m < 0][:kept]
        there = found.reports[row] >= 0
        told = zip(found.shared[row][there], found.reports[row][there], strict=True)
        assert list(told) == expected


def test_sides_are_matched_apart() -> None:
    private = random_texts(8, 0)
    index = Index(private)
    coded = index.vocabulary.code([private[1], private[6]])
    train, holdout = best_matches(index, coded, [(0, 4), (4, 8)])
    assert train.reports[:, 0].tolist() == [1, -1]
    assert holdout.reports[:, 0].tolist() == [-1, 6]


@pytest.mark.parametrize("script", ["latin", "cyrillic"])
@pytest.mark.parametrize(("share", "recall"), [(0, 0), (0.25, 6 / 36), (0.5, 16 / 36), (1, 1)])
def test_verbatim_copies_have_the_known_recall(script: str, share: float, recall: float) -> None:
    """Negative control. Of 40 words, 36 5-grams: a copy of k words has k - 4 of them."""
    private = random_texts(30, 1, 40, script)
    found = matched(copied(private, share, 2, script), private)
    assert found.recalls[:, 0] == pytest.approx(recall)
    if recall:
        assert found.reports[:, 0].tolist() == list(range(30))


def test_rouge_score_sees_nothing_in_cyrillic() -> None:
    """Why words are our own."""
    text = random_texts(1, 1, 40, "cyrillic")[0]
    assert RougeScorer(["rouge5"]).score(text, text)["rouge5"].recall == 0
    assert matched([text], [text]).recalls[0, 0] == 1


def test_a_formula_in_most_reports_costs_nothing_and_hides_nothing() -> None:
    formula = " le patient a été informé des résultats et consent à la suite"
    private = [text + formula for text in random_texts(200, 3)]
    found = matched([private[7], "rien d'autre" + formula], private)
    assert found.reports[0, 0] == 7 and found.recalls[0, 0] == 1
    assert found.reports[1].tolist() == list(range(10))  # all as good: the first ones


def test_unusual_texts() -> None:
    private = ["", "mot", "un deux trois quatre", "😀 🏥 ❤️", "a b c d e"]
    found = matched([*private, "m " * 500_000], private)
    assert found.n_ngrams.tolist() == [0, 0, 0, 0, 1, 499_996]
    assert np.flatnonzero(found.recalls[:, 0]).tolist() == [4]


def test_one_megabyte_of_the_same_formula() -> None:
    text = "le patient va bien ce jour " * 40_000
    found = matched([text], [text, "le patient va bien ce jour"])
    assert found.recalls[0, 0] == 1 and found.reports[0].tolist()[:2] == [0, 1]


def test_composed_and_combining_accents_are_equal() -> None:
    one, other = "a\u0301 e\u0300 и\u0306 о\u0301 c\u0327", "á è й о\u0301 ç"
    assert matched([one], [other]).recalls[0, 0] == 1
