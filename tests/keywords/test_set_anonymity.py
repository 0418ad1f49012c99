"""Whole sets of keywords: none is that of fewer than k patients, and 1 changes nothing."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.keywords.report_terms import Keyword
from synthfr.keywords.set_anonymity import Ladder, anonymous_sets

NOTHING = Ladder({}, {})


def coarser(
    documents: list[list[str]],
    k: int,
    ladder: Ladder = NOTHING,
    min_documents: int = 1,
    patients: list[str] | None = None,
) -> list[list[str]]:
    owners = patients or [f"p{number}" for number in range(len(documents))]
    return anonymous_sets(documents, owners, ["fr"] * len(documents), k, min_documents, ladder)


def test_the_rarest_term_goes_first_and_a_shorter_set_is_joined() -> None:
    documents = [["HTA", "OAP", "zona"], ["HTA", "OAP"], ["HTA"], ["HTA"], ["zona", "lupus"]]
    # {HTA, OAP} is one patient's until the longest set has lost its rarest term; of the last one
    # first lupus goes, then zona, which nobody else has any more
    assert coarser(documents, 2) == [["HTA", "OAP"], ["HTA", "OAP"], ["HTA"], ["HTA"], []]


def test_one_changes_nothing() -> None:
    documents = [["b", "a"], ["a", "b"], ["c"], []]
    assert coarser(documents, 1, min_documents=3) == documents


def test_stays_of_one_patient_hide_nobody() -> None:
    documents = [["a"], ["a"], ["b"], ["b"]]
    assert coarser(documents, 2, patients=["p", "p", "q", "r"]) == [[], [], ["b"], ["b"]]


def test_a_usual_name_comes_before_a_wider_one_and_that_before_nothing() -> None:
    keywords = [
        [Keyword("HTA", "I10")],
        [Keyword("HTA", "I10")],
        [Keyword("hypertension", "I10")],
        [Keyword("DNID", "E11.9")],
        [Keyword("pied diabétique", "E11.5")],
        [Keyword("absence de fièvre", "R50", marked=True)],
    ]
    names = {"I10": ["hypertension"], "E11": ["diabète"], "E11.9": ["DNID"], "E11.5": ["pied"]}
    ladder = Ladder.of(keywords, ["fr"] * len(keywords), {"fr": names})
    assert ladder.usual == {("hypertension", "fr"): "HTA"}
    assert ladder.wider[("DNID", "fr")] == ladder.wider[("pied diabétique", "fr")] == "diabète"
    documents = [[word.term for word in own] for own in keywords]
    assert coarser(documents, 2, ladder) == [
        ["HTA"], ["HTA"], ["HTA"], ["diabète"], ["diabète"], []
    ]  # fmt: skip


def test_a_document_that_names_the_wider_one_already_keeps_one_of_them() -> None:
    ladder = Ladder({}, {("DNID", "fr"): "diabète"})
    documents = [["DNID", "diabète"], ["diabète"]]
    assert coarser(documents, 2, ladder) == [["diabète"], ["diabète"]]


def test_the_order_of_terms_tells_no_one_apart() -> None:
    documents = [["a", "b"], ["b", "a"], ["b", "a"]]
    assert coarser(documents, 3) == [["b", "a"]] * 3


def test_languages_are_not_alike() -> None:
    assert anonymous_sets([["a"], ["a"]], ["p", "q"], ["fr", "en"], 2, 1, NOTHING) == [[], []]


def test_names_in_a_circle_come_to_an_end() -> None:
    ladder = Ladder({("a", "fr"): "b", ("b", "fr"): "a"}, {("a", "fr"): "b", ("b", "fr"): "a"})
    assert coarser([["a"], ["c"]], 2, ladder) == [[], []]


TERMS = st.sampled_from("abcdefgh")
LADDER = Ladder(
    {("a", "fr"): "b", ("c", "fr"): "b"}, {("d", "fr"): "e", ("e", "fr"): "f", ("b", "fr"): "f"}
)


@given(
    st.lists(st.lists(TERMS, max_size=5, unique=True), max_size=25),
    st.integers(2, 5),
    st.integers(1, 5),
)
@settings(deadline=None, max_examples=300)
def test_every_set_is_that_of_k_patients(
    documents: list[list[str]], k: int, min_documents: int
) -> None:
    patients = [f"p{number // 2}" for number in range(len(documents))]
    kept = coarser(documents, k, LADDER, min_documents, patients)
    by_set, by_term = defaultdict(set), defaultdict(set)
    for patient, own in zip(patients, kept, strict=True):
        by_set[tuple(own)].add(patient)
        for term in own:
            by_term[term].add(patient)
    by_set.pop((), None)
    assert all(len(holders) >= k for holders in by_set.values())
    assert len(by_set) == len({frozenset(own) for own in by_set})
    assert all(len(holders) >= min_documents for holders in by_term.values())
    reachable = {"a": "abf", "b": "bf", "c": "cbf", "d": "def", "e": "ef"}
    for before, after in zip(documents, kept, strict=True):
        assert len(after) == len(set(after)) <= len(before)
        assert set(after) <= {name for term in before for name in reachable.get(term, term)}
    again = coarser(documents[::-1], k, LADDER, min_documents, patients[::-1])[::-1]
    assert again == kept  # by what is held, not by the order of rows


@given(st.lists(st.lists(TERMS, max_size=3, unique=True), max_size=8), st.integers(2, 3))
@settings(deadline=None)
def test_what_enough_patients_have_already_is_not_touched(
    documents: list[list[str]], k: int
) -> None:
    """Negative control of the losses: copies of every document make all sets common."""
    assert [set(own) for own in coarser(documents * k, k)] == [set(own) for own in documents * k]
