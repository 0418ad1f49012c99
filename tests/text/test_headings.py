from synthfr.text import strip_headings
from synthfr.text.language_resources import language

REPORT = """CRH du 14/04
MDE : adr MT
ATCD : HTA; DNID.
HDM
Dyspnée depuis 3 jours : majoration.
Bio/Im : NT-proBNP 6200.
Au total : insuffisance cardiaque.
"""


def test_titles_and_headings_go_content_stays() -> None:
    assert strip_headings(REPORT, "fr").splitlines() == [
        "adr MT",
        "HTA; DNID.",
        "Dyspnée depuis 3 jours : majoration.",
        "NT-proBNP 6200.",
        "insuffisance cardiaque.",
    ]


def test_two_styles_of_the_same_content_become_equal() -> None:
    textbook = "COMPTE RENDU D'HOSPITALISATION\nAntécédents : HTA.\nConclusion : anémie."
    hospital = "CRH du 3/12\nATCD : HTA.\nAu total : anémie."
    assert strip_headings(textbook, "fr") == strip_headings(hospital, "fr") == "HTA.\nanémie."


def test_negative_control_lines_that_only_look_like_headings_stay() -> None:
    for line in (
        "TA : 18/10",
        "Traitement par furosémide : bien toléré",
        "le compte rendu opératoire du malade opéré hier soir au bloc est joint à ce courrier",
        "Compte rendu : le malade est sorti.",
    ):
        assert strip_headings(line, "fr") == line


def test_stripping_twice_changes_nothing_more() -> None:
    once = strip_headings(REPORT, "fr")
    assert strip_headings(once, "fr") == once


def test_other_languages_have_their_own() -> None:
    text = "Discharge Summary\nChief complaint: cough\nATCD : HTA"
    assert strip_headings(text, "en") == "cough\nATCD : HTA"
    assert "hpi" in language("en").headings
