import pytest

from synthfr.text import words


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
