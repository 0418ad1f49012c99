"""Terms word by word: what may differ from the text, and what must agree."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.icd10.names import LABEL, LEXICON, SYNONYM, Entry
from synthfr.keywords.matchers import open_matcher
from synthfr.keywords.matching import Matching
from synthfr.keywords.phrase_matcher import PhraseMatcher
from synthfr.keywords.word_forms import is_abbreviation, one_edit_apart

ENTRIES = [
    Entry("insuffisance rénale", "N19"),
    Entry("insuffisance rénale aiguë", "N17"),
    Entry("nodule thyroïdien", "E04.1"),
    Entry("cancer de la prostate", "C61"),
    Entry("fracture du col du fémur", "S72.0"),
    Entry("toux", "R05"),
    Entry("HTA", "I10"),
    Entry("hypertension artérielle", "I10"),
    Entry("FA", "I48"),
    Entry("DT2", "E11"),
    Entry("RPM", "O42"),
    Entry("diabète de type 1", "E10"),
    Entry("diabète de type 2", "E11"),
    Entry("carence en vitamine B12", "E53.8"),
    Entry("carence en vitamine A", "E50"),
    Entry("goitre non toxique", "E04"),
    Entry("goitre toxique", "E05"),
    Entry("hémothorax", "J94.2"),
    Entry("A87", "A87"),
    Entry("anémie microcytaire", "D50"),
]


def found(text: str) -> list[tuple[str, str]]:
    """(code, surface) of the matches."""
    matches = PhraseMatcher(ENTRIES).extract([text], "fr")[0]
    return [(match.code, text[match.start : match.end]) for match in matches]


@pytest.mark.parametrize(
    ("text", "code", "surface"),
    [
        ("INSUFFISANCE RENALE ancienne", "N19", "INSUFFISANCE RENALE"),
        ("des insuffisances rénales aiguës", "N17", "insuffisances rénales aiguës"),
        ("Insuffisance rénale (aiguë)", "N17", "Insuffisance rénale (aiguë"),
        ("nodules thyroïdiens", "E04.1", "nodules thyroïdiens"),
        ("cancer prostate", "C61", "cancer prostate"),
        ("fracture col fémur", "S72.0", "fracture col fémur"),
        ("ATCD:HTA/FA", "I10", "HTA"),
        ("H.T.A. traitée", "I10", "H.T.A."),
        ("hypertention artérielle", "I10", "hypertention artérielle"),  # one wrong letter
        ("hypertenssion artérielle", "I10", "hypertenssion artérielle"),
        ("hypertnesion artérielle", "I10", "hypertnesion artérielle"),
        ("DT2 connu", "E11", "DT2"),
        ("diabète\nde type 2", "E11", "diabète\nde type 2"),
        ("l’insuffisance rénale", "N19", "insuffisance rénale"),
        ("d'un goitre toxique", "E05", "goitre toxique"),
        ("carence en vitamine B12", "E53.8", "carence en vitamine B12"),
        ("CARENCE EN VITAMINE A", "E50", "CARENCE EN VITAMINE A"),
        ("CANCER A LA PROSTATE", "C61", "CANCER A LA PROSTATE"),
    ],
)
def test_what_may_differ(text: str, code: str, surface: str) -> None:
    assert found(text)[0] == (code, surface)


@pytest.mark.parametrize(
    "text",
    [
        "hta", "Hta", "fa", "Fa dièse", "dt2",  # an abbreviation is written in capitals
        "22 rpm", "22 RPM", "à 95 FA",  # a unit behind a number
        "diabète de type 3", "diabète de type", "carence en vitamine D", "carence en vitamine B6",
        "carence en vitamine", "carence en vitamine à", "hémithorax",
        "insuffisance. Rénale", "insuffisance, rénale", "insuffisance\n\nrénale",
        "insuffisance et rénale", "insuffisance non rénale", "tous", "tou",
        "nodale thyroïdien", "nodulx thyroïdien",  # short words are exact
        "hypotension artérielle", "anémie macrocytaire", "hypertensoins artérielles fausses hyper",
        "anti-toux", "Anti toux", "A87", "à 87 ans", "goitre", "prostate", "",
    ],
)  # fmt: skip
def test_what_must_agree(text: str) -> None:
    assert found(text) == []


def test_longest_match_wins_and_matches_come_in_order() -> None:
    text = "HTA, insuffisance rénale aiguë puis toux; goitre non toxique"
    assert [code for code, _ in found(text)] == ["I10", "N17", "R05", "E04"]


def test_the_users_own_name_wins_then_the_lexicons_then_the_shorter_code() -> None:
    same = [
        Entry("Toux", "R05", LABEL),
        Entry("toux", "R05.9", LEXICON),
        Entry("TOUX CHRONIQUE", "J41", SYNONYM),
        Entry("toux chronique", "R05.3", LEXICON),
        Entry("asthme", "J45.9", LABEL),
        Entry("Asthme", "J45", LABEL),
    ]
    for entries in (same, same[::-1]):
        matches = PhraseMatcher(entries).extract(["Toux, toux chronique, asthme"], "fr")[0]
        assert [(match.term, match.code, match.source) for match in matches] == [
            ("toux", "R05.9", LEXICON),
            ("TOUX CHRONIQUE", "J41", SYNONYM),
            ("Asthme", "J45", LABEL),
        ]


def test_a_label_in_capitals_is_no_abbreviation() -> None:
    matcher = PhraseMatcher([Entry("FRACTURE OUVERTE", "T14.2"), Entry("OAP", "J81")])
    text = "fracture ouverte, oap, OAP"
    assert [match.code for match in matcher.extract([text], "fr")[0]] == ["T14.2", "J81"]


def test_stop_words_numbers_and_short_terms_are_no_terms() -> None:
    entries = [Entry("patient", "Z00"), Entry("12", "Z01"), Entry("FA", "I48")]
    assert PhraseMatcher(entries, min_chars=3).extract(["Patient FA 12"], "fr") == [[]]
    assert len(PhraseMatcher(entries, min_chars=2).extract(["Patient FA 12"], "fr")[0]) == 1


def test_misspelt_words_take_the_one_near_word_and_are_counted() -> None:
    matcher = open_matcher(ENTRIES, Matching())
    matcher.extract(["hypertention artérielle et hypertention"], "fr")
    assert matcher.work() == {"terms": 19, "misspelt": 1}
    # two near words: none is taken
    twins = [Entry("spondylolyse", "M43.0"), Entry("spondylolise", "M43.1")]
    assert PhraseMatcher(twins).extract(["spondylolxse"], "fr") == [[]]


def test_words_are_spelt_as_the_language_says() -> None:
    matcher = PhraseMatcher([Entry("sår", "T14.1"), Entry("asthma attacks", "J46")])
    text = "sar sår asthma attack"
    assert [match.code for match in matcher.extract([text], "sv")[0]] == ["T14.1"]
    assert [match.code for match in matcher.extract([text], "en")[0]] == ["T14.1", "T14.1", "J46"]


def test_edits_and_abbreviations() -> None:
    assert one_edit_apart("anemie", "anemi") and one_edit_apart("anemie", "aneime")
    assert one_edit_apart("anemie", "anxmie") and not one_edit_apart("anemie", "anxmix")
    assert not one_edit_apart("anemie", "anem") and not one_edit_apart("abcd", "cbad")
    assert all(map(is_abbreviation, ("HTA", "DT2", "IRCt", "FA", "VIH")))
    assert not any(map(is_abbreviation, ("Crohn", "A", "hta", "CHOLERA", "type", "2")))


SCRAPS = (
    "insuffisance rénale aiguë HTA FA 22 toux de la cancer prostate , . ( ) - d' type 2 diabète"
)


@given(st.lists(st.sampled_from(SCRAPS.split()), max_size=20).map(" ".join) | st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_matches_are_the_dictionarys_in_order_and_apart(text: str) -> None:
    matches = PhraseMatcher(ENTRIES).extract([text], "fr")[0]
    assert all(Entry(match.term, match.code) in ENTRIES for match in matches)
    assert all(one.end <= other.start for one, other in pairwise(matches))
    assert all(text[match.start : match.end].strip() for match in matches)


def test_negative_control_shuffled_letters_do_not_match() -> None:
    assert found("".join(sorted("insuffisance")) + " " + "".join(sorted("rénale"))) == []
