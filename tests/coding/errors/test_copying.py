"""Code sets against those of training, and which classes may be told."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr.coding import errors
from synthfr.coding.errors.copying import classify_sets
from synthfr.coding.errors.disclosure import patients
from synthfr.records import numbered
from synthfr.stats import wilson
from tests.coding.errors.hand import limit

SETS = np.array([[1, 1, 0, 0],    # exact
                 [1, 0, 0, 0],    # part of the first
                 [0, 0, 0, 0],    # empty: a class of its own, and no subset
                 [1, 0, 0, 1],    # each code is known, this set is not
                 [0, 0, 1, 1],    # exact
                 [0, 1, 1, 0]],   # part of the two together, of neither alone
                dtype=bool)  # fmt: skip
TRAINING = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0]], dtype=bool)


def test_classes_by_hand() -> None:
    assert classify_sets(SETS, TRAINING).tolist() == [
        *("exact", "strict_subset", "empty", "other", "exact", "other"),
    ]  # fmt: skip
    found = errors.copying(SETS, TRAINING, limit(1))
    assert found["exact"] == wilson(2, 6).as_dict()
    assert [found[name]["mean"] for name in ("strict_subset", "empty", "other")] == [
        *(1 / 6, 1 / 6, 2 / 6),
    ]  # fmt: skip


def test_an_empty_set_is_empty_even_where_training_has_one() -> None:
    empty = np.zeros((1, 4), dtype=bool)
    assert classify_sets(empty, np.vstack([TRAINING, empty])).tolist() == ["empty"]
    assert classify_sets(SETS[:1], TRAINING[:0]).tolist() == ["other"]  # nothing was learnt


rows = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=20)


@given(rows, rows)
def test_as_a_comparison_one_by_one_finds(some: list[list[bool]], others: list[list[bool]]) -> None:
    sets, training = np.array(some), np.array(others)
    known = [frozenset(np.flatnonzero(row)) for row in training]
    for row, found in zip(sets, classify_sets(sets, training), strict=True):
        own = frozenset(np.flatnonzero(row))
        if not own:
            expected = "empty"
        elif own in known:
            expected = "exact"
        else:
            expected = "strict_subset" if any(own < one for one in known) else "other"
        assert found == expected


def test_small_classes_are_not_told() -> None:
    found = errors.copying(SETS, TRAINING, limit(2))
    # two classes of one document: the two are not told, and the rest does not tell either
    assert found["strict_subset"] is found["empty"] is None
    assert found["exact"] is not None and found["other"] is not None


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ({"a": 50, "b": 30, "c": 3}, {"a"}),  # c alone would follow from the total: b goes too
        ({"a": 50, "b": 30, "c": 3, "d": 4}, {"a", "b"}),  # 7 documents, of two classes
        ({"a": 50, "b": 30, "c": 0}, {"a", "b"}),  # of nobody nothing is told, and nothing follows
        ({"a": 50, "b": 5}, {"a", "b"}),
        ({"a": 4}, set()),
        ({}, set()),
    ],
)
def test_what_would_follow_from_the_rest_is_held_back(
    documents: dict[str, int], expected: set[str]
) -> None:
    assert told(documents, 5) == expected


def told(documents: dict[str, int], least: int, each: int = 1) -> set[str]:
    """With so many documents in each class, and `each` of one patient."""
    numbers = np.repeat(np.arange(len(documents)), list(documents.values()))
    of = limit(least, len(numbers), each)
    return of.told({name: numbers == number for number, name in enumerate(documents)})


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 40), max_size=8), st.integers(1, 9))
def test_what_is_held_back_is_nobody_or_enough(documents: dict[str, int], least: int) -> None:
    shown = told(documents, least)
    assert all(documents[name] >= least for name in shown)
    rest = sum(count for name, count in documents.items() if name not in shown)
    assert rest == 0 or rest >= least or not shown


def test_a_patient_with_many_documents_is_one_patient() -> None:
    assert told({"a": 50, "b": 30, "c": 20}, 5, each=10) == {"a"}  # 5, 3 and 2 patients
    assert told({"a": 50, "b": 30, "c": 20}, 5, each=2) == {"a", "b", "c"}
    sets = np.repeat(SETS[[0, 2]], 6, axis=0)
    found = errors.copying(sets, TRAINING, limit(3, 12, each=6))
    assert set(found.values()) == {None}
    assert errors.copying(sets, TRAINING, limit(3, 12))["exact"] is not None


def test_classes_that_share_their_patients_are_not_added_up() -> None:
    """Three documents are in both small classes: six of them are three patients."""
    small, large = np.arange(20) < 3, np.arange(20) >= 3
    of = limit(5, 20)
    assert of.told({"a": small, "b": small, "c": large, "d": large}) == {"d"}
    other = np.arange(20) >= 17  # negative control: six patients
    assert of.told({"a": small, "b": other, "c": large, "d": large}) == {"c", "d"}


def test_a_class_that_is_barred_is_not_alone_where_that_is_asked() -> None:
    half = np.arange(20) < 10
    classes = {"a": half, "b": ~half, "c": half}
    assert limit(5, 20).told(classes, ["b"]) == {"a", "c"}
    assert limit(5, 20).told(classes, ["b"], none_alone=True) == {"c"}
    nobody = {"a": half, "b": ~half, "c": np.zeros(20, dtype=bool)}
    assert limit(5, 20).told(nobody, none_alone=True) == {"a", "b"}
    assert limit(5, 20).told(nobody, ["b"], none_alone=True) == set()  # c hides nothing


def test_patients_of_each_column() -> None:
    owners = numbered(["x", "y", "x", "z"])
    held = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    assert patients(held, owners).tolist() == [1, 3, 0]
    assert patients(held[:0], owners[:0]).tolist() == [0, 0, 0]
