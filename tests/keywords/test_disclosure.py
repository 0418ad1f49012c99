"""What may leave: thresholds on hand-made documents, and the guarantee for any documents."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.keywords.disclosure import code_sets, shared, shared_codes

KNOWN = {"E11", "E11.9", "E11.2", "I10", "C16", "C16.9", "A41"}


PATIENTS = [f"p{number}" for number in range(20)]


def test_shared_counts_patients_not_mentions_or_stays() -> None:
    assert shared([["a", "a"], ["a", "b"], ["b"], []], PATIENTS[:4], 2) == {"a", "b"}
    assert shared([["a", "a"], ["b"]], PATIENTS[:2], 2) == set()
    assert shared([["a"], ["a"], ["b"], ["b"]], ["p", "p", "p", "q"], 2) == {"b"}


def test_rare_and_unknown_codes_become_their_category_or_go() -> None:
    documents = [
        ["E11.9", "I10"],
        ["E11.2", "I10"],  # E11.9 and E11.2 are rare, E11.0 unknown: three documents have an E11
        ["E11.0"],
        ["C16.9+0"],  # no one else has a C16
        ["Z99.9"],  # unknown
    ]
    assert shared_codes(documents, PATIENTS[:5], KNOWN, 2) == [
        ["E11", "I10"],
        ["E11", "I10"],
        ["E11"],
        [],
        [],
    ]


def test_frequent_codes_stay_as_they_are_beside_widened_ones() -> None:
    documents = [["E11.9"], ["E11.98"], ["E11.2", "E11.9"], ["E11.2"], ["E11"]]
    # E11.98 is not known and becomes E11.9
    assert shared_codes(documents, PATIENTS[:5], KNOWN, 2)[:4] == [
        ["E11.9"], ["E11.9"], ["E11.2", "E11.9"], ["E11.2"]
    ]  # fmt: skip
    assert shared_codes(documents, PATIENTS[:5], KNOWN, 2)[4] == []


def test_with_a_threshold_of_one_only_unknown_codes_change() -> None:
    assert shared_codes([["C16.9+0", "I10", "Z99"]], ["p"], KNOWN, 1) == [["C16.9", "I10"]]


def test_code_sets_by_hand() -> None:
    documents = [["I10", "E11"], ["E11", "I10"], ["I10"], ["A41"], []]
    rows = code_sets(documents, PATIENTS[:5], 2).values.tolist()
    assert rows == [
        ["size", [], 1, 2],
        ["size", [], 2, 2],
        ["code", ["E11"], 1, 2],
        ["code", ["I10"], 1, 3],
        ["pair", ["E11", "I10"], 2, 2],
    ]


CODES = st.sampled_from(
    ["E11", "E11.9", "E11.98", "E11.2", "I10", "C16.9+0", "C16.9", "A41", "Z99"]
)


@given(st.lists(st.lists(CODES, max_size=5, unique=True), max_size=15), st.integers(1, 6))
@settings(deadline=None)
def test_nothing_rare_or_unknown_leaves(documents: list[list[str]], min_documents: int) -> None:
    owners = [f"p{number // 2}" for number in range(len(documents))]
    released = shared_codes(documents, owners, KNOWN, min_documents)
    counts = Counter(
        code
        for _, code in {(p, c) for p, codes in zip(owners, released, strict=True) for c in codes}
    )
    assert all(count >= min_documents for count in counts.values())
    assert set(counts) <= KNOWN
    for before, after in zip(documents, released, strict=True):
        assert len(after) == len(set(after))
        # only the document's own codes, or wider ones
        assert all(any(code.startswith(wide) for code in before) for wide in after)
    sets = code_sets(released, owners, min_documents, documents)
    assert (sets["n_documents"] >= min_documents).all()
    for _, row in sets[sets["kind"] == "set"].iterrows():
        principal, *rest = row["codes"]
        holds = [
            bool(codes) and own[0].startswith(principal) and codes == [principal, *codes[1:]]
            and sorted(codes[1:]) == rest
            for own, codes in zip(documents, released, strict=True)
        ]  # fmt: skip
        assert sum(holds) == row["n_documents"]
        assert len({o for o, held in zip(owners, holds, strict=True) if held}) >= min_documents
    for _, row in sets[sets["kind"].isin(["code", "pair"])].iterrows():
        holds = [set(row["codes"]) <= set(codes) for codes in released]
        assert sum(holds) == row["n_documents"]
        holders = {owner for owner, held in zip(owners, holds, strict=True) if held}
        assert len(holders) >= min_documents


@given(st.lists(st.lists(CODES, max_size=5, unique=True), max_size=15))
@settings(deadline=None)
def test_a_category_that_enough_documents_have_is_not_lost(documents: list[list[str]]) -> None:
    released = shared_codes(documents, PATIENTS[: len(documents)], KNOWN, 3)
    for head in ("I10", "A41"):  # without subdivisions
        held = [head in codes for codes in documents]
        assert [head in codes for codes in released] == [has and sum(held) >= 3 for has in held]
