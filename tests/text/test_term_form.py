"""A term as it is listed, and in the normal form of its language."""

import pytest

from synthfr.text.term_form import names_written, written


@pytest.mark.parametrize(
    ("term", "language", "form"),
    [
        ("Diabète de type 2", "fr", "diabete de type"),
        ("Gastro-entérite aiguë (2019)", "fr", "gastro enterite aigue"),
        ("Åderbråck i benen", "sv", "åderbråck i benen"),  # "å" is a letter of its own
        ("Åderbråck", "fr", "aderbrack"),  # the control: not in French
        ("Лёгочный отёк", "ru", "легочный отек"),  # "й" too, and "ё" is "е" in most texts
        ("12.3 (4)", "fr", ""),
    ],
)
def test_normal_forms_by_hand(term: str, language: str, form: str) -> None:
    assert written(term, "normalised", language) == form
    assert written(term, "listed", language) == term


def test_names_are_distinct_and_hold_something() -> None:
    names = {"E11": ["Diabète de type 2", "Diabète, de type II", "Diabète de type 3"], "Z00": ["1"]}
    assert names_written(names, "normalised", "fr") == {
        "E11": ["diabete de type", "diabete de type ii"]
    }
    assert names_written(names, "listed", "fr") is names
