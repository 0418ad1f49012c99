"""Every kind of identifier is found in every language, in one form; what only looks like one is
not.
"""

from __future__ import annotations

import random
import unicodedata

import phonenumbers
import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.errors import UserError
from synthfr.privacy.identifiers import finder
from synthfr.privacy.identifiers.names import Names
from synthfr.privacy.identifiers.numbers import PersonalNumbers, Telephones
from synthfr.text.identifier_cues import IdentifierCues, PersonalNumber, identifier_cues
from synthfr.text.language_names import known_languages
from synthfr.text.language_resources import language

PLANTED = {
    "fr": (
        "Nom : DUPONT Prénom : Jean Né le 12/03/1950\nIPP : 8001234567\n"
        "NIR 2 95 10 99 126 111 93\n"
        "M. Jean Dupont, hospitalisé le 1er mars 2019, vu par le Dr Marie-Claude de La Tour.\n"
        "Tél : 01 45 67 89 10, Jean.Dupont@exemple.fr",
        {
            "name": {"dupont", "jean", "jean dupont", "marie claude de la tour"},
            "date": {"1950-03-12", "2019-03-01"},
            "record": {"8001234567"},
            "personal_number": {"fr.nir 295109912611193"},
            "phone": {"+33145678910"},
            "mail": {"jean.dupont@exemple.fr"},
        },
    ),
    "en": (
        "Patient Name: John Smith DOB: 03/25/1961 MRN: 00123456\nSeen by Dr. Alice O'Neil on "
        "March 3rd, 2021 and on 4 of April 2020. NHS 943 476 5919. Call (415) 555-2671 or write to "
        "j.smith@example.org.",
        {
            "name": {"john smith", "alice oneil"},
            "date": {"1961-03-25", "2021-03-03", "2020-04-04"},
            "record": {"00123456"},
            "personal_number": {"gb.nhs 9434765919"},
            "phone": {"+14155552671"},
            "mail": {"j.smith@example.org"},
        },
    ),
    "sv": (
        "Namn: Anna Åkesson, personnummer 19880320-0016. Träffar Dr Lars-Erik Öberg den 3 mars "
        "2021, tel 070-174 06 05, anna@exempel.se. Journalnummer 99887766.",
        {
            "name": {"anna åkesson", "lars erik öberg"},
            "date": {"2021-03-03"},
            "record": {"99887766"},
            "personal_number": {"se.personnummer 8803200016"},
            "phone": {"+46701740605"},
            "mail": {"anna@exempel.se"},
        },
    ),
    "ru": (
        "ФИО: Иванов Иван Петрович, 12 марта 2021 г., врач Петров И.И., ИНН 500100732259, тел. "
        "8 (495) 123-45-67, ivanov@primer.ru, история болезни № 12345/21.",
        {
            "name": {"иванов иван петрович", "петров"},
            "date": {"2021-03-12"},
            "record": {"1234521"},
            "personal_number": {"ru.inn 500100732259"},
            "phone": {"+74951234567"},
            "mail": {"ivanov@primer.ru"},
        },
    ),
}


def test_all_languages_have_planted_texts() -> None:
    assert set(PLANTED) == set(known_languages())


@pytest.mark.parametrize("code", sorted(PLANTED))
def test_each_kind_is_found_in_one_form(code: str) -> None:
    text, planted = PLANTED[code]
    assert finder(code).find(text) == planted
    assert finder(code).find(unicodedata.normalize("NFD", text)) == planted


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("fr", "NIR 2 95 10 99 126 111 94"),
        ("sv", "personnummer 19880320-0017"),
        ("ru", "ИНН 500100732258"),
        ("ru", "ИНН 7707083893"),  # valid, but a company's
        ("en", "NHS 943 476 5918"),
    ],
)
def test_a_wrong_check_digit_is_no_personal_number(code: str, text: str) -> None:
    assert "personal_number" not in finder(code).find(text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("fr", "TA 14/9, FC 80, IPP 40 mg/j, créat 120 80 75 15 20, TSH 1.2.3, DFG 01/09"),
        ("fr", "Le M84 est stable. Stade M. La patiente va bien. Mme X, 12 mai de nuit."),
        ("fr", "le 31/02/2020, le 12/13/2019, le 01/02/03/04, 5 x 10.2 x 12.4 mm"),
        ("fr", "plaquettes 230000, leucocytes 12 500 000, GB 4.000.000.000"),
        ("en", "BP 120/80, WBC 12.5 on 3.2.1, accession pending, 1000 mg 2000 mg"),
        ("ru", "лейкоциты 10-20-13, гемоглобин 120, врач на дому"),
        ("sv", "Hb 120, CRP 5, läkare på plats, 3 x 2 mg"),
    ],
)
def test_clinical_values_are_no_identifiers(code: str, text: str) -> None:
    found = finder(code).find(text)
    found.pop("date", None) if "12 mai" in text else None  # a day without a year is one
    assert found == {}


def test_ways_of_writing_become_one() -> None:
    def of(text: str, code: str = "fr") -> dict[str, set[str]]:
        return {kind: values for kind, values in finder(code).find(text).items()}

    dates = "12/03/2019, 12.03.2019, 12-3-2019, 12/03/19, 2019-03-12, 12 mars 2019, 12 MARS 2019"
    assert of(dates)["date"] == {"2019-03-12"}
    phones = "01 45 67 89 10 ou 0145678910 ou 01.45.67.89.10 ou +33 1 45 67 89 10"
    assert of(phones)["phone"] == {"+33145678910"}
    assert of("le 3 fevrier 2020 puis le 3 février 2020")["date"] == {"2020-02-03"}
    assert of("M. DUPONT, M. Dupont, Mr Dupont, Mme. Dupont")["name"] == {"dupont"}
    numbers = "198803200016, 880320-0016 och 8803200016"
    assert of(numbers, "sv")["personal_number"] == {"se.personnummer 8803200016"}
    assert of("2 85 05 2A 006 084 82")["personal_number"] == {"fr.nir 285052A00608482"}


def test_a_number_beside_others_is_found() -> None:
    found = finder("fr").find("lit 12 2 95 10 99 126 111 93 14 comprimés")
    assert found == {"personal_number": {"fr.nir 295109912611193"}}


@pytest.mark.parametrize(
    "text", ["", " ", "🙂" * 50, "é" * 10, "\u0301\u0301", "M. ", "@", "Nom :"]
)
def test_odd_texts_hold_none(text: str) -> None:
    assert all(finder(code).find(text) == {} for code in known_languages())


def test_emoji_beside_identifiers_do_not_hide_them() -> None:
    assert finder("fr").find("🙂M. Dupont🙂 01 45 67 89 10🙂") == {
        "name": {"dupont"},
        "phone": {"+33145678910"},
    }


def test_a_report_of_a_megabyte_is_read() -> None:
    text, planted = PLANTED["fr"]
    assert finder("fr").find((text + "\nTA 14/9, apyrétique.\n") * 3000) == planted


@pytest.mark.parametrize("part", ["1 ", "1234567890", "M. ", "a.b@", "12/03/", "Nom : Jean de "])
def test_a_report_of_cues_without_end_is_read(part: str) -> None:
    text = part * (100_000 // len(part))
    assert set(finder("fr").find(text)) <= {"name", "date"}


@given(st.one_of(st.text(), st.text(alphabet="0123456789٣ .-+/,:()AB@°M\n")))
@settings(deadline=None)
def test_any_text_is_read(text: str) -> None:
    for code in known_languages():
        finder(code).find(text)


@pytest.mark.parametrize(("code", "locale"), [("fr", "fr_FR"), ("sv", "sv_SE"), ("ru", "ru_RU")])
def test_invented_people_are_found(code: str, locale: str) -> None:
    """faker's own personal numbers and names; a number's last digit changed is none."""
    fake = Faker(locale)
    fake.seed_instance(7)
    title = {"fr": "M.", "sv": "Herr", "ru": "г-н"}[code]
    number = {"fr": "ssn", "sv": "ssn", "ru": "individuals_inn"}[code]
    for _ in range(50):
        name, personal = fake.last_name(), getattr(fake, number)()
        wrong = personal[:-1] + str((int(personal[-1]) + 1) % 10)
        found = finder(code).find(f"{title} {name}, {personal}.")
        assert found.keys() >= {"name", "personal_number"}, (name, personal)
        assert found["name"] == {language(code).normalise(name)}
        assert "personal_number" not in finder(code).find(f"({wrong})")


@pytest.mark.parametrize("code", sorted(PLANTED))
def test_telephones_of_the_plan_are_found_in_national_form(code: str) -> None:
    cues = identifier_cues(code)
    form = phonenumbers.PhoneNumberFormat.NATIONAL
    for region in cues.phone_regions:
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            example = phonenumbers.example_number_for_type(region, kind)
            written = phonenumbers.format_number(example, form)
            assert list(Telephones(cues).find(f"tel {written}.")), written


def test_random_digits_are_seldom_personal_numbers() -> None:
    """NIR has two check digits (97 - mod 97): about one in a hundred passes by chance."""
    draw = random.Random(0)
    texts = [f"{draw.randrange(10**14, 10**15)}" for _ in range(2000)]
    assert sum(bool(finder("fr").find(text)) for text in texts) < 60


def test_a_language_without_cues_finds_addresses_alone() -> None:
    none = IdentifierCues()
    assert list(PersonalNumbers(none).find("295109912611193")) == []
    assert list(Telephones(none).find("+33 1 45 67 89 10")) == []


def test_language_files_that_name_nothing_known_are_told() -> None:
    with pytest.raises(UserError, match=r"'FRA'.*two letters"):
        Telephones(IdentifierCues(phone_regions=("FRA",)))
    with pytest.raises(UserError, match=r"'fr\.niir'.*python-stdnum"):
        PersonalNumbers(IdentifierCues(personal_numbers=(PersonalNumber("fr.niir", (15,), 15),)))


def test_names_end_where_the_sentence_does() -> None:
    names = Names(identifier_cues("fr"), language("fr"))
    text = "Vu avec M. Dupont. Scanner normal. Mme Le Goff Marie Sortie demain. Dr J.-P. Martin"
    assert [value for value, _ in names.find(text)][:1] == ["dupont"]
    assert text[slice(*next(iter(names.find(text)))[1])] == "Dupont"
