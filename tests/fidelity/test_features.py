"""Features on hand-counted texts."""

import pytest

from synthfr.fidelity.features import Corpus, lengths, statistical, tokens, variety


def test_tokens() -> None:
    assert tokens("L'HTA est-elle traitée ? TA 14/9, ++") == [
        "L'HTA", "est-elle", "traitée", "?", "TA", "14", "/", "9", ",", "+", "+",
    ]  # fmt: skip


def test_the_eight_features() -> None:
    corpus = Corpus(["Le patient va bien. Il sort.", "le patient va mal"])
    assert statistical(corpus) == {
        "documents": 2,
        "sentences_per_document": 1.5,
        "tokens_per_document": 6,  # 8 and 4
        "tokens_per_sentence": 4,
        "sentences": 3,
        "tokens": 12,
        "unique_tokens": 9,  # Le patient va bien . Il sort le mal
        "unique_token_ratio": 0.75,
    }


def test_a_title_is_one_of_its_texts_language() -> None:
    text = "Seen by Dr. Brown. Home."
    assert Corpus([text], ["en"]).n_sentences == 2
    assert Corpus([text]).n_sentences == 3  # the control: no titles are known


def test_lengths() -> None:
    found = lengths(Corpus(["un deux", "un deux trois quatre", "un deux trois"]))
    assert found["words_mean"] == found["words_median"] == 3
    assert found["words_sd"] == pytest.approx((2 / 3) ** 0.5)


def test_variety() -> None:
    corpus = Corpus(["a b c d", "a b c d", "a b c e"])
    assert variety(corpus, 12) == {
        "unique_token_ratio_at_equal_size": 5 / 12,
        "distinct_3": 3 / 6,  # abc bcd abe's triple is bce
        "distinct_texts": 2 / 3,
    }
    assert variety(corpus, 6)["unique_token_ratio_at_equal_size"] == 4 / 6
    assert variety(corpus, 6)["distinct_3"] == 1  # abc, bcd; "a b" has none


def test_empty_texts_are_no_division_by_zero() -> None:
    assert statistical(Corpus([""]))["unique_token_ratio"] == 0
    assert variety(Corpus(["a"]), 5)["distinct_3"] == 0
