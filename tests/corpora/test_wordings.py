"""Official labels to what is written: each rule, and labels that are no wording at all."""

from dataclasses import replace

import pytest

from synthfr.corpora.files.wordings import wordings
from synthfr.text import language
from synthfr.text.language_resources import LabelRules


@pytest.mark.parametrize(
    ("code", "label", "written"),
    [
        ("N18.9", "Insuffisance rénale chronique, sans précision", "insuffisance rénale chronique"),
        ("I10", "Hypertension essentielle (primitive)", "hypertension essentielle"),
        ("A06.6", "Abcès cérébral, amibien", "abcès cérébral amibien"),
        ("A09", "Diarrhée SAI", "diarrhée"),
        ("A09", "Diarrhée *** SU17 ***", "diarrhée"),
        ("A00", "CHOLERA ASIATIQUE", "cholera asiatique"),
        ("G20", "Maladie de Parkinson", "maladie de Parkinson"),
        ("B20", "SIDA", "SIDA"),
    ],
)
def test_what_is_written_in_french(code: str, label: str, written: str) -> None:
    assert wordings(code, label, language("fr")) == [written]


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("N28.8", "Autres affections précisées du rein et de l'uretère"),
        ("M79.9", "AFF. DES TISSUS MOUS, NCA"),
        ("E04", "Goitre (non toxique)"),
        ("W19", "Chute, sans précision"),  # causes are not written as the list has them
        ("Z01.7", "Examen de laboratoire"),
        ("M02.25", "Arthropathie post-vaccinale - Articulations de la hanche"),
        ("J18.0", "Bronchopneumopathie, sans précision"),
        ("D69.6", "Plaquettes <120"),
        ("S72", "Fracture du fémur, ouverte, droite"),
        ("A18", "Tuberculose d'un organe que l'on n'a pas nommé ici ou là bas"),
        ("A00", ", sans précision"),
    ],
)
def test_what_nobody_writes(code: str, label: str) -> None:
    assert wordings(code, label, language("fr")) == []


def test_a_usual_beginning_stands_beside_the_official_one() -> None:
    assert wordings("C16.9", "Tumeur maligne de l'estomac, sans précision", language("fr")) == [
        "cancer de l'estomac",
        "tumeur maligne de l'estomac",
    ]


def test_english_sets_the_adjective_before() -> None:
    english = language("en")
    assert wordings("D61.9", "Anemia, aplastic", english) == ["aplastic anemia"]
    assert wordings("I10", "Essential (primary) hypertension", english) == [
        "essential hypertension"
    ]
    assert wordings("N28.8", "Other specified disorders of kidney", english) == []


def test_negative_control_a_language_without_rules_takes_the_label() -> None:
    label, swedish = "Övriga sjukdomar i njure", language("sv")
    bare = replace(swedish, labels=LabelRules())
    assert wordings("N28.8", label, bare) == ["övriga sjukdomar i njure"]
    assert wordings("N28.8", label, swedish) == []
