"""Where sentences end, in three languages."""

import pytest

from synthfr.fidelity.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Un. Deux ! Trois ? Quatre… Cinq", ["Un.", "Deux !", "Trois ?", "Quatre…", "Cinq"]),
        ("Vu par M. Dupont. Sorti.", ["Vu par M. Dupont.", "Sorti."]),
        ("Vu par Mme H. E. Durand. Sorti.", ["Vu par Mme H. E. Durand.", "Sorti."]),
        ("Créatinine 1.5 mg. à revoir", ["Créatinine 1.5 mg. à revoir"]),
        ("Motif : chute\nATCD : néant\n\n", ["Motif : chute", "ATCD : néant"]),
        ("Il dit « oui. » Puis non.", ["Il dit « oui. »", "Puis non."]),
        ("Жалобы на боль. Температура 38.", ["Жалобы на боль.", "Температура 38."]),
        ("Боли в поясн. отд. позвон. АД 120.", ["Боли в поясн. отд. позвон.", "АД 120."]),
        # a number or a unit of one letter is no initial
        ("Séropositive au VIH 1. Sortie.", ["Séropositive au VIH 1.", "Sortie."]),
        ("CRP à 216 mg/l. Une toux.", ["CRP à 216 mg/l.", "Une toux."]),
        ("Apyrétique à 38,5°C. Une toux.", ["Apyrétique à 38,5°C.", "Une toux."]),
        # but one that opens a line, or follows a full stop, is an item's
        ("1. Asthma.\n2. Home.", ["1. Asthma.", "2. Home."]),
        # a forgotten space
        ("Sans anomalie.L'examen est normal.", ["Sans anomalie.", "L'examen est normal."]),
        ("PaO2.FiO2 et p.Val600 restent", ["PaO2.FiO2 et p.Val600 restent"]),
        ("... --- ...", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Mrs. Brown sleeps."), ("fr", "Le Dr. Petit passe.")]
)
def test_titles_of_the_language_end_nothing(language: str, text: str) -> None:
    assert sentences(text, language) == [text]
    assert len(sentences(text)) == 2  # the control
