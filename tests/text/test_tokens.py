import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from synthfr.text import words
from synthfr.text.tokens import alphanumeric_words, lower_words, words_and_signs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TA 14/9, l'HTA ++\n<50", ["TA", "14/9,", "l'HTA", "++", "<50"]),
        (
            "Пациент\u00a0жалуется\tна боль",
            ["Пациент", "жалуется", "на", "боль"],
        ),
        (" \n", []),
    ],
)
def test_words_stand_between_white_space_as_written(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_words_to_compare_by_hand() -> None:
    assert lower_words("TA 14/9, l'HTA ++") == ["ta", "14/9,", "l'hta", "++"]
    assert alphanumeric_words("TA 14/9, l'HTA ++") == ["ta", "14", "9", "l", "hta"]
    assert alphanumeric_words("a_b Été Мой É") == ["a", "b", "été", "мой", "é"]


def test_words_and_signs_of_any_script() -> None:
    assert words_and_signs("TA 14/9, l'HTA") == ["ta", "14", "/", "9", ",", "l", "'", "hta"]
    assert words_and_signs("fie\u0300vre") == words_and_signs("FI\u00c8VRE") == ["fi\u00e8vre"]
    assert words_and_signs("Боль в груди 😀") == ["боль", "в", "груди", "😀"]


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_is_cut_as_rouge_score_cuts_it(text: str) -> None:
    assert alphanumeric_words(text) == tokenize(text, None)


def test_an_accent_belongs_to_its_letter_in_either_form() -> None:
    for rule in (lower_words, alphanumeric_words):
        assert rule("fe\u0301brile Й") == rule("FÉBRILE и\u0306") == ["fébrile", "й"]
    assert alphanumeric_words("бо\u0301ли") == ["бо\u0301ли"]  # no composed form


def test_an_emoji_is_no_word() -> None:
    assert alphanumeric_words("❤️ 👩‍⚕️ fin") == ["fin"]
