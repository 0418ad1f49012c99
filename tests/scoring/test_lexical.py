"""Keyword recall and BLEU by hand."""

import pytest

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
