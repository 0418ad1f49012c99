import pytest

from synthfr.errors import UserError
from synthfr.text.language_names import english_name, known_languages
from synthfr.text.language_resources import language


@pytest.mark.parametrize("code", known_languages())
def test_every_language_file_loads_in_normal_form(code: str) -> None:
    known = language(code)
    words = known.function_words | known.stop_words | known.headings | set(known.titles)
    assert words
    assert all(word and word == known.normalise(word) for word in words)
    assert known.function_words <= known.stop_words


def test_french_and_english_keep_no_accents() -> None:
    for code in ("fr", "en"):
        assert language(code).normalise("Été à Ängelholm") == "ete a angelholm"


def test_yaml_does_not_turn_words_into_booleans() -> None:
    assert {"no", "on"} <= language("en").stop_words


@pytest.mark.parametrize("code", ["xx", "../fr", ""])
def test_unknown_language_names_the_known_ones(code: str) -> None:
    with pytest.raises(UserError, match=r"en, fr, ru, sv.*seed\.language"):
        language(code)


def test_names_are_held_still() -> None:
    """Stages that write prompts depend on no language file: see tests/reached.py."""
    names = {code: english_name(code) for code in known_languages()}
    assert names == {"en": "English", "fr": "French", "ru": "Russian", "sv": "Swedish"}
