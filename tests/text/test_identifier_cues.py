"""The key ``identifiers`` of a language's file: optional, and told where it is ill-written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from synthfr.errors import UserError
from synthfr.text import language_names
from synthfr.text.identifier_cues import IdentifierCues, PersonalNumber, identifier_cues

CUES = """
identifiers:
  titles: [S.]
  name_fields: [nem]
  particles: []
  not_names: []
  months: [[a], [b], [c], [d], [e], [f], [g], [h], [i], [j], [k], [l]]
  day_endings: []
  date_words: []
  date_order: dmy
  phone_regions: [FR]
  personal_numbers: {fr.nir: {lengths: [15], significant: 15}}
  record_fields: [num]
  number_signs: []
"""
Write = Callable[[str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setattr(language_names, "FOLDER", tmp_path)

    def written(text: str) -> None:
        (tmp_path / "vo.yaml").write_text(text, encoding="utf-8")
        for cached in (
            language_names.known_languages,
            language_names.language_file,
            identifier_cues,
        ):
            cached.cache_clear()

    return written


@pytest.fixture(autouse=True)
def forget() -> object:
    yield
    for cached in (language_names.known_languages, language_names.language_file, identifier_cues):
        cached.cache_clear()


def test_a_language_may_have_none(write: Write) -> None:
    write("name: Volapük\n")
    assert identifier_cues("vo") == IdentifierCues()


def test_it_is_read(write: Write) -> None:
    write(CUES)
    cues = identifier_cues("vo")
    assert cues.titles == ("S.",) and cues.months[11] == ("l",)
    assert cues.personal_numbers == (PersonalNumber("fr.nir", (15,), 15),)


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("titles: [S.]", "title: [S.]", r"'identifiers\.title' is none that is read"),
        ("  titles: [S.]\n", "", r"'identifiers\.titles' is missing"),
        ("dmy", "ymd", r"'identifiers\.date_order' is none of dmy, mdy"),
        ("[k], [l]", "[k]", r"'identifiers\.months' is not twelve lists"),
        ("[l]]", "[1]]", r"'identifiers\.months\.12' is no list of words"),
        ("[15]", "15", r"'identifiers\.personal_numbers\.fr\.nir\.lengths' is no list"),
        ("fr.nir", "os", r"'identifiers\.personal_numbers\.os' is no module of python-stdnum"),
    ],
)
def test_mistakes_are_told(write: Write, written: str, instead: str, message: str) -> None:
    assert written in CUES
    write(CUES.replace(written, instead))
    with pytest.raises(UserError, match=message):
        identifier_cues("vo")
