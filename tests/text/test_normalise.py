import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.text import normalise
from synthfr.text.normalise import plain_typography


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'Hépatite-B, aiguë (2019)", "lhepatite b aigue"),
        ("non–insulinodépendant — type 2", "non insulinodependant type"),
        ("Œdème du cæcum", "oedeme du caecum"),
        ("s.a.i.", "sai"),
        ("  HTA\t\n ACFA ", "hta acfa"),
        ("TA 18/10", "ta"),
        ("10 %", ""),
        ("ДИАБЕТ ё", "диабет е"),
        ("Å Ä Ö ß", "a a o ß"),
        ("e\u0301coulement", "ecoulement"),
        ("-12 \N{MINUS SIGN}3", ""),
    ],
)
def test_hand_made_forms(text: str, expected: str) -> None:
    assert normalise(text) == expected


@given(st.text())
@settings(deadline=None)
def test_only_lower_case_letters_and_single_spaces(text: str) -> None:
    form = normalise(text)
    assert form == " ".join(form.split())
    assert all(
        unicodedata.category(character).startswith("L") for character in form.replace(" ", "")
    )
    # letters without a lower case (mathematical capitals) stay as they are
    assert form == form.lower()


@given(st.text())
@settings(deadline=None)
def test_twice_is_once(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(), st.text())
@settings(deadline=None)
def test_a_word_does_not_change_its_neighbours(left: str, right: str) -> None:
    assert normalise(f"{left} {right}") == f"{normalise(left)} {normalise(right)}".strip()


KEPT = "åäöй"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("År, är: SVÅR svår svar", "år är svår svår svar"),
        ("A\u030ar", "år"),  # the letter as two characters
        ("\N{ANGSTROM SIGN}r", "år"),
        ("Йод ёлка и", "йод елка и"),
        ("allé idé Hépatite", "alle ide hepatite"),  # not listed: only a way of writing
    ],
)
def test_letters_that_a_language_keeps_stay(text: str, expected: str) -> None:
    assert normalise(text, KEPT) == expected


def test_negative_control_without_them_they_are_the_same_word() -> None:
    assert normalise("år") == normalise("Ar")
    assert normalise("й") == normalise("и")
    assert normalise("år", KEPT) != normalise("ar", KEPT)


@given(st.text(), st.text())
@settings(deadline=None)
def test_with_kept_letters_twice_is_once_and_neighbours_do_not_matter(
    left: str, right: str
) -> None:
    form = normalise(left, KEPT)
    assert normalise(form, KEPT) == form
    assert normalise(f"{left} {right}", KEPT) == f"{form} {normalise(right, KEPT)}".strip()
    assert normalise(form) == normalise(left)  # nothing else is kept


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz "))
@settings(deadline=None)
def test_negative_control_plain_words_stay(text: str) -> None:
    assert normalise(text) == " ".join(text.split())


@given(st.text())
@settings(deadline=None)
def test_plain_typography_keeps_offsets_and_normal_form(text: str) -> None:
    plain = plain_typography(text)
    assert len(plain) == len(text)
    assert normalise(plain) == normalise(text)
