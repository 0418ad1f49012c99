"""Every rule of the extraction on hand-made text, and what holds for any text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synthfr.icd10.names import Entry
from synthfr.keywords import ngram_matcher
from synthfr.keywords.ngram_matcher import NgramMatcher
from synthfr.text import language, normalise
from synthfr.text.sentences import split

NAMES = [
    ("Hypertension artérielle", "I10"),
    ("HTA", "I10"),
    ("Insuffisance cardiaque", "I50"),
    ("Insuffisance cardiaque congestive", "I50.0"),
    ("Insuffisance rénale aiguë", "N17"),
    ("Diabète de type 1", "E10"),
    ("Diabète de type 2", "E11"),
    ("Septicémie à staphylocoque doré", "A41.0"),
    ("Fracture du col du fémur, fermée, gauche", "S72.0"),
    ("Anémie", "D64"),
    ("Non", "Z00"),
    ("De la main", "S61"),
    ("A87", "A87"),
]
ENTRIES = [Entry(*names) for names in NAMES]


def found(text: str, **options: float) -> list[tuple[str, str]]:
    """(term, surface) of the matches."""
    index = NgramMatcher(ENTRIES, **options)  # type: ignore[arg-type]
    return [(match.term, text[match.start : match.end]) for match in index.extract([text], "fr")[0]]


def test_case_accents_dashes_and_punctuation_do_not_matter() -> None:
    text = "ATCD : HYPERTENSION ARTERIELLE. Insuffisance-rénale (aiguë) ce jour."
    assert found(text) == [
        ("Hypertension artérielle", "HYPERTENSION ARTERIELLE"),
        ("Insuffisance rénale aiguë", "Insuffisance-rénale (aiguë"),
    ]


def test_plural_matches_approximately_and_the_term_is_the_dictionarys() -> None:
    # 20 of 21 character 3-grams
    assert found("Des insuffisance cardiaques.") == [
        ("Insuffisance cardiaque", "insuffisance cardiaques")
    ]


def test_below_the_threshold_nothing_matches() -> None:
    assert found("Des insuffisance cardiaques.", threshold=0.96) == []
    assert found("Deux insuffisances cardiaques.") == []  # 18 of 24
    assert found("Une insuffisance hépatique.") == []


def test_longest_match_wins() -> None:
    assert found("Une insuffisance cardiaque congestive.") == [
        ("Insuffisance cardiaque congestive", "insuffisance cardiaque congestive")
    ]


def test_matches_do_not_overlap_and_come_in_order() -> None:
    text = "Anémie, HTA, insuffisance cardiaque congestive et anémie."
    matches = NgramMatcher(ENTRIES).extract([text], "fr")[0]
    assert [match.code for match in matches] == ["D64", "I10", "I50.0", "D64"]
    ends = [0, *(match.end for match in matches)]
    assert all(match.start >= end for match, end in zip(matches, ends, strict=False))


def test_a_match_does_not_take_its_neighbours_words() -> None:
    # "hypertension artérielle; hta" is similar enough to the longer term
    assert found("Hypertension artérielle; HTA") == [
        ("Hypertension artérielle", "Hypertension artérielle"),
        ("HTA", "HTA"),
    ]


def test_an_approximate_match_does_not_cut_into_an_exact_one() -> None:
    entries = [
        Entry("Fibrillation auriculaire chronique", "I48.2"),
        Entry("Maladie rénale chronique", "N18"),
    ]
    text = "maladie rénale chronique; fibrillation auriculaire"
    matches = NgramMatcher(entries).extract([text], "fr")[0]
    assert [match.code for match in matches] == ["N18"]
    # negative control: where no exact one is cut, the words may stand in another order
    text = "maladie chronique; fibrillation auriculaire"
    matches = NgramMatcher(entries).extract([text], "fr")[0]
    assert [match.code for match in matches] == ["I48.2"]


def test_windows_stay_inside_a_sentence() -> None:
    assert found("On note une insuffisance. Cardiaque par ailleurs.") == []


def test_windows_have_at_most_so_many_tokens() -> None:
    text = "une septicémie à staphylocoque doré"
    assert found(text) == [("Septicémie à staphylocoque doré", "septicémie à staphylocoque doré")]
    assert found(text, max_window_tokens=2) == []
    assert found("fracture du col du fémur, fermée, gauche") == []  # seven words


def test_windows_do_not_start_or_end_with_function_words() -> None:
    assert found("Plaie de la main droite.") == []  # a term that starts with "de"


def test_single_stop_words_and_numbers_are_no_keywords() -> None:
    assert found("Non, 12 et 345.") == []


def test_terms_and_windows_shorter_than_min_chars_are_ignored() -> None:
    assert found("HTA connue.", min_chars=4) == []
    assert found("HTA connue.") == [("HTA", "HTA")]


def test_bare_codes_never_count() -> None:
    assert found("Adressé à 87 ans, code A87, chambre A 87.", min_chars=1) == []


def test_numbers_decide_between_terms_that_differ_by_them_only() -> None:
    assert found("Diabète de type 2, HbA1c 9,8 %.") == [("Diabète de type 2", "Diabète de type")]
    assert found("Diabète de type 1.") == [("Diabète de type 1", "Diabète de type")]
    # no number: the lowest code
    assert found("Diabète de type mal précisé.") == [("Diabète de type 1", "Diabète de type")]


def test_elisions_and_slashes_separate() -> None:
    text = "ATCD:HTA/anémie, suite d’insuffisance cardiaque"
    assert [term for term, _ in found(text)] == ["HTA", "Anémie", "Insuffisance cardiaque"]


def test_each_distinct_window_is_looked_up_once_for_all_texts() -> None:
    index = NgramMatcher(ENTRIES)
    index.extract(["Anémie sévère."] * 3, "fr")
    index.extract(["Anémie sévère."], "fr")
    # anemie, anemie severe, severe
    assert index.lookups._asdict() == {"windows": 12, "distinct": 3, "exact": 1, "approximate": 0}


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"Anémie {number}, HTA de type {number}." for number in range(7)] + ["DNID."]
    whole = NgramMatcher(ENTRIES).extract(texts, "fr")
    monkeypatch.setattr(ngram_matcher, "_CHUNK_TEXTS", 3)
    assert NgramMatcher(ENTRIES).extract(texts, "fr") == whole


def test_texts_without_words() -> None:
    assert NgramMatcher(ENTRIES).extract(["", "  ", "12/34 ; -", "\n\n"], "fr") == [[], [], [], []]
    assert NgramMatcher([]).extract(["Anémie."], "fr") == [[]]


def test_another_language_is_another_file() -> None:
    index = NgramMatcher([Entry("Atrial fibrillation", "I48"), Entry("fracture of femur", "S72")])
    text = "He had an atrial fibrilation and the fracture of femurs."
    assert [match.code for match in index.extract([text], "en")[0]] == ["I48", "S72"]


WORDS = (
    "anémie HTA de la l' d’ insuffisance cardiaque rénale aiguë type diabète congestive A87 é 12"
)
SCRAPS = [*WORDS.split(), "-", ";", "(", "/", ". ", "\n", "\u00a0"]
TEXTS = st.lists(st.sampled_from(SCRAPS), max_size=25).flatmap(
    lambda scraps: st.sampled_from([" ".join(scraps), "".join(scraps)])
)


@given(TEXTS | st.text(max_size=60))
@example("A®´A")  # a token without letters whose normal form is a blank
@settings(max_examples=150, deadline=None)
def test_word_offsets_agree_with_normalised_slices(text: str) -> None:
    for sentence in next(iter(split([text], "fr"))):
        words = sentence.words
        for first in range(len(words)):
            for last in range(first, min(first + 6, len(words))):
                window = sentence.form[words[first].begin : words[last].end]
                assert window == normalise(text[words[first].text_begin : words[last].text_end])


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_every_exact_label_is_found_or_inside_a_longer_match(text: str) -> None:
    labels = {normalise(term) for term, code in NAMES if term != code}
    matches = NgramMatcher(ENTRIES).extract([text], "fr")[0]
    known = language("fr")
    for sentence in next(iter(split([text], "fr"))):
        words = sentence.words
        for first, word in enumerate(words):
            for last in range(first, min(first + 5, len(words))):
                window = sentence.form[word.begin : words[last].end]
                admissible = not (word.is_function or words[last].is_function) and not (
                    first == last and window in known.stop_words
                )
                if window in labels and admissible:
                    start, end = word.text_begin, words[last].text_end
                    assert any(match.start <= start and end <= match.end for match in matches)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_terms_are_always_the_dictionarys(text: str) -> None:
    for match in NgramMatcher(ENTRIES).extract([text], "fr")[0]:
        assert (match.term, match.code) in NAMES


def test_negative_control_shuffled_letters_do_not_match() -> None:
    shuffled = "".join(sorted("insuffisance")) + " " + "".join(sorted("cardiaque"))
    assert found(f"Une {shuffled}.") == []


def test_unknown_language_is_told() -> None:
    from synthfr.errors import UserError

    with pytest.raises(UserError, match=r"no resources for a language.*known: en, fr"):
        NgramMatcher(ENTRIES).extract(["Anémie."], "xx")
