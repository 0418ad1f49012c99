"""Keyword recall and BLEU by hand."""

from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate import bleu_score  # type: ignore[import-untyped]

from synthfr.scoring.lexical import bleu, keyword_recall


def test_keyword_recall_is_a_share_of_normalised_substrings() -> None:
    text = "Patient hypertendu : HTA ancienne ; œdème-aigu du poumon."
    assert keyword_recall(["hta", "Œdème aigu", "BPCO", "diabète"], text, "fr") == 0.5
    assert keyword_recall(["oedeme aigu du poumon"], text, "fr") == 1
    assert keyword_recall(["oedeme du poumon"], text, "fr") == 0  # negative control: words apart


def test_keywords_without_letters_do_not_count() -> None:
    assert keyword_recall(["12", "HTA"], "HTA", "fr") == 1
    assert keyword_recall(["12"], "", "fr") == 1
    assert keyword_recall(["HTA"], "", "fr") == 0


def test_letters_of_a_language_count() -> None:
    assert keyword_recall(["svår smärta"], "Svår  smärta sedan ett år.", "sv") == 1
    assert keyword_recall(["svar"], "Svår smärta.", "sv") == 0
    assert keyword_recall(["svar"], "Svår smärta.", "fr") == 1  # negative control


def test_bleu_of_the_same_and_of_nothing_in_common() -> None:
    text = "le patient est sorti au domicile"
    assert bleu(text, text) == pytest.approx(1)
    assert bleu("scanner thoracique normal ce jour", text) < 0.1
    assert bleu("", text) == 0


def test_bleu_by_hand() -> None:
    # 4 of 5 words, 3 of 4 pairs, 2 of 3 triples, 1 of 2 quadruples; equally long, so no penalty
    expected = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    assert bleu("un deux trois quatre six", "un deux trois quatre cinq") == pytest.approx(expected)


def test_epsilon_by_hand() -> None:
    # 2 of 4 words, 1 of 3 pairs, no triple of 2, no quadruple of 1: a tenth of a match each
    expected = (2 / 4 * 1 / 3 * 0.1 / 2 * 0.1 / 1) ** 0.25
    given = ("un deux six sept", "un deux trois quatre")
    assert bleu(*given, "epsilon") == pytest.approx(expected)
    exponential = (2 / 4 * 1 / 3 * 1 / (2 * 2) * 1 / (4 * 1)) ** 0.25
    assert bleu(*given) == bleu(*given, "exponential") == pytest.approx(exponential)  # the control


def test_epsilon_of_a_candidate_shorter_than_four_words() -> None:
    # both words and their pair; of the orders that it is too short for, a tenth of one each
    expected = (1 * 1 * 0.1 * 0.1) ** 0.25 * exp(1 - 4 / 2)
    assert bleu("un deux", "un deux trois quatre", "epsilon") == pytest.approx(expected)
    assert bleu("un deux", "un deux trois quatre") == pytest.approx(exp(-1))


def test_epsilon_takes_words_between_blanks() -> None:
    assert bleu("RAS.", "RAS", "epsilon") == 0  # another word; 13a sets the point apart
    assert bleu("RAS.", "RAS") == pytest.approx(0.5)


@settings(deadline=None, max_examples=300)
@given(st.text("ab. \n", max_size=12), st.text("abc. \n", max_size=30))
def test_epsilon_is_nltks_method_1(candidate: str, reference: str) -> None:
    oracle = bleu_score.sentence_bleu(
        [reference.split()],
        candidate.split(),
        smoothing_function=bleu_score.SmoothingFunction().method1,
    )
    assert bleu(candidate, reference, "epsilon") == pytest.approx(oracle, rel=1e-9)
