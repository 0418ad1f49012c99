"""Against brute force, and against the SimString library itself."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.keywords import approximate
from synthfr.keywords.approximate import JaccardIndex

WORDS = st.text(
    alphabet="abcé ", min_size=1, max_size=14
)  # few letters: many repeats and near hits
THRESHOLDS = st.sampled_from([0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0])


def features(text: str) -> Counter[str]:
    text = text.ljust(3, "\x01")
    return Counter(text[start : start + 3] for start in range(len(text) - 2))


def jaccard(one: str, other: str) -> float:
    shared = (features(one) & features(other)).total()
    return shared / (features(one).total() + features(other).total() - shared)


def test_similarity_by_hand() -> None:
    # abcd: abc bcd; abcde: abc bcd cde -> 2 of 3
    # banana: ban ana nan ana; bananana: nan and ana once more -> 4 of 6
    index = JaccardIndex(["abcde", "bananana", "xyz"], 0.5)
    assert list(index.matches(["abcd", "banana"])) == [(0, 0, 2 / 3), (1, 1, 4 / 6)]


def test_short_strings_are_padded() -> None:
    assert list(JaccardIndex(["ab", "abc"], 0.8).matches(["ab"])) == [(0, 0, 1.0)]


@given(
    st.lists(WORDS, min_size=1, max_size=12, unique=True), st.lists(WORDS, max_size=8), THRESHOLDS
)
@settings(max_examples=80, deadline=None)
def test_exactly_what_brute_force_finds(
    known: list[str], queries: list[str], threshold: float
) -> None:
    expected = {
        (query, string): jaccard(queries[query], known[string])
        for query in range(len(queries))
        for string in range(len(known))
        if jaccard(queries[query], known[string]) >= threshold - 1e-9
    }
    found = list(JaccardIndex(known, threshold).matches(queries))
    assert {(query, string): value for query, string, value in found} == pytest.approx(expected)
    assert [pair[:2] for pair in found] == sorted(expected)


def test_chunks_and_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    strings = sorted({"".join(rng.choice(list("abcd "), 9)) for _ in range(400)})
    whole = list(JaccardIndex(strings[::2], 0.5).matches(strings))
    monkeypatch.setattr(approximate, "_CHUNK_PAIRS", 7)
    monkeypatch.setattr(approximate, "_BLOCK_STRINGS", 11)
    assert list(JaccardIndex(strings[::2], 0.5).matches(strings)) == whole
    assert len(whole) > 200


def test_agrees_with_simstring(tmp_path: Path) -> None:
    simstring = pytest.importorskip("pysimstring.simstring")
    rng = np.random.default_rng(1)
    parts = ["renal", "aigue", "chronique", "insuffisance", "ana", "de", "cardiaque", "anana"]
    terms = sorted({" ".join(rng.choice(parts, rng.integers(1, 5))) for _ in range(600)})
    queries = [term + "s" for term in terms] + [term[1:] for term in terms] + terms[:50]
    # bytes, not Unicode: there the library takes the second of two equal 3-grams for the first
    writer = simstring.writer(str(tmp_path / "db"), 3, False, False)
    for term in terms:
        writer.insert(term)
    writer.close()
    reader = simstring.reader(str(tmp_path / "db"))
    # a hair lower: rounding makes the library lose pairs exactly at the threshold (28 of 35 shared)
    reader.measure, reader.threshold = simstring.jaccard, 0.8 - 1e-9
    expected = {(query, term) for query in queries for term in reader.retrieve(query)}
    found = JaccardIndex(terms, 0.8).matches(queries)
    assert {(queries[query], terms[term]) for query, term, _ in found} == expected
    assert len(expected) > 500


def test_nothing_known_or_asked() -> None:
    assert list(JaccardIndex([], 0.8).matches(["abc"])) == []
    assert list(JaccardIndex(["abc"], 0.8).matches([])) == []


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.01])
def test_thresholds_out_of_range(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        JaccardIndex(["abc"], threshold)
