"""Profile, F1 by code and document, and families of the hand-made matrices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from synthfr.coding import errors
from synthfr.coding.errors.families import family
from tests.coding.errors.hand import CODES, PREDICTED, TRUTH, limit


def test_profile() -> None:
    assert errors.profile(TRUTH, PREDICTED) == {
        "true_per_document": 8 / 6,
        "predicted_per_document": 8 / 6,
        "true_total": 8,
        "predicted_total": 8,
        "true_distinct": 4,  # nobody has C50
        "predicted_distinct": 5,
        "true_codes_predicted_once": 1.0,  # HFMA too, if never rightly
    }
    without = PREDICTED & (np.arange(5) != 4)
    assert errors.profile(TRUTH, without)["true_codes_predicted_once"] == 3 / 4
    nothing = errors.profile(TRUTH[:0], PREDICTED[:0])
    assert nothing["true_per_document"] is None and nothing["true_codes_predicted_once"] is None


def test_f1_by_code_and_by_document() -> None:
    by_code = errors.label_f1(TRUTH, PREDICTED)
    # E11: 2 hits of 3 true and 3 predicted; E78: none of 2 and 1; I10: all; HFMA: none
    np.testing.assert_allclose(by_code, [4 / 6, 0, 1, np.nan, 0])
    by_document = errors.document_f1(TRUTH, PREDICTED)
    np.testing.assert_allclose(by_document, [1, 2 / 4, 2 / 3, 0, np.nan, 2 / 4])


def test_f1_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.random((2, 40, 7)) < 0.4
    truth[:, 0] = truth[0] = True  # all have a code, and each code a document
    truth[1] = True
    np.testing.assert_allclose(
        errors.label_f1(truth, predicted), f1_score(truth, predicted, average=None)
    )
    one = [f1_score(*pair) for pair in zip(truth, predicted, strict=True)]
    np.testing.assert_allclose(errors.document_f1(truth, predicted), one)


def families(level: Any = "chapter", codes: list[str] = CODES, least: int = 1) -> dict[str, Any]:
    return errors.families(TRUTH, PREDICTED, codes, level, limit(least), seed=0, resamples=200)


def test_false_positives_by_chapter() -> None:
    found = families()["false_positives"]
    # b: E78 beside a true E11; c: C50 beside I10; e: E11 alone; f: HFMA, of no chapter
    assert (found["total"], found["documents"]) == (4, 4)
    assert [found[name]["mean"] for name in ("within", "out", "unmapped")] == [1 / 4, 2 / 4, 1 / 4]
    # of the codes that could be wrong: b has E78, C50, HFMA, one with a relative; c, e and f none
    assert found["within_by_chance"] == pytest.approx((1 / 3 + 0 + 0 + 0) / 4)
    assert found["by_family"] == {
        "II": {"codes": 1, "documents": 1},
        "IV": {"codes": 2, "documents": 2},
        "IX": None,  # no document
        "unmapped": {"codes": 1, "documents": 1},
    }
    share = found["within"]
    assert 0 <= share["low"] <= share["mean"] <= share["high"] <= 1


def test_false_negatives_by_chapter() -> None:
    found = families()["false_negatives"]
    # b: E11, and E78 is predicted; d: E78 and HFMA, and nothing is; f: E78, and E11 is
    assert (found["total"], found["documents"]) == (4, 3)
    assert [found[name]["mean"] for name in ("within", "out", "unmapped")] == [2 / 4, 1 / 4, 1 / 4]


def test_categories_where_codes_are_finer() -> None:
    codes = ["E11.0", "E11.9", "I10", "C50.1", "HFMA"]
    by_category, by_chapter = families("category", codes), families("chapter", codes)
    assert by_category["false_positives"]["within"]["mean"] == 1 / 4
    codes[1] = "E78.0"  # of the chapter still, and of another category
    now = families("category", codes)["false_positives"]
    assert now["within"] is None and now["out"]["mean"] == 3 / 4  # nobody is in it: not told
    assert by_chapter == families("chapter", codes) | {}
    # the negative control: codes that are categories have no relatives
    plain = families("category")
    assert plain["false_positives"]["within"] is plain["false_negatives"]["within"] is None


@pytest.mark.parametrize(
    ("code", "chapter", "category"),
    [
        ("C79.5", "II", "C79"),
        ("K94.0", "XI", "K94"),
        ("U07.1", "XXII", "U07"),
        ("C4A.0", "II", "C4A"),
        ("M1A.9", "XIII", "M1A"),
        ("Z3A.20", "XXI", "Z3A"),
        ("0016070", None, None),
    ],
)
def test_codes_that_others_lose(code: str, chapter: str | None, category: str | None) -> None:
    assert (family(code, "chapter"), family(code, "category")) == (chapter, category)


def test_unmapped_codes_are_no_relatives_of_each_other() -> None:
    truth, predicted = np.array([[1, 0]], dtype=bool), np.array([[0, 1]], dtype=bool)
    found = errors.families(
        truth, predicted, ["HFMA", "HFMB"], "chapter", limit(1, 1), 0, resamples=20
    )
    for kind in ("false_positives", "false_negatives"):
        assert found[kind]["within"] is None and found[kind]["unmapped"]["mean"] == 1


def test_few_documents_are_not_told() -> None:
    found = families(least=2)
    told = found["false_positives"]
    assert told["total"] == 4
    # one document each is within and of no family: together two, which tells of neither
    assert told["within"] is told["unmapped"] is told["within_by_chance"] is None
    assert told["out"]["mean"] == 0.5
    assert families(least=5) == {"false_positives": None, "false_negatives": None}
    perfect = errors.families(TRUTH, TRUTH, CODES, "chapter", limit(1), 0)
    assert perfect == {"false_positives": None, "false_negatives": None}


def test_families_of_one_document_do_not_follow_from_the_total() -> None:
    """Six codes of six chapters are missed in one document, one of them in nine more: what is told
    of that one and the total would tell the other five.
    """
    codes = ["A00", "C50", "D50", "E11", "F32", "G40"]
    truth = np.zeros((30, 6), dtype=bool)
    truth[0] = True
    truth[1:10, 5] = True
    predicted = np.zeros_like(truth)
    missed = errors.families(truth, predicted, codes, "chapter", limit(5, 30), 0, 20)[
        "false_negatives"
    ]
    assert missed["total"] == 15
    assert set(missed["by_family"].values()) == {None}
    # negative control: where five documents miss the others, they may be told
    truth[1:5] = True
    told = errors.families(truth, predicted, codes, "chapter", limit(5, 30), 0, 20)[
        "false_negatives"
    ]
    assert None not in told["by_family"].values()


def missed_of(rows: Sequence[tuple[str, int]], each: int = 1) -> dict[str, Any]:
    """False negatives of documents that have one code, so many of each; `each` of one patient.
    ``E11*``: E78, of its family, is predicted in its place; else nothing is.
    """
    had = [code for code, n in rows for _ in range(n)]
    truth = np.array([[code.rstrip("*") == one for one in CODES] for code in had])
    predicted = np.array([[code == "E11*" and one == "E78" for one in CODES] for code in had])
    of = limit(5, len(had), each)
    found = errors.families(truth, predicted, CODES, "chapter", of, 0, 20)["false_negatives"]
    return found or {}


def test_errors_of_few_patients_are_not_told() -> None:
    rows = [("E11*", 12), ("I10", 12)]
    found = missed_of(rows)
    assert found["within"]["mean"] == found["out"]["mean"] == 0.5
    assert found["by_family"]["IX"] == {"codes": 12, "documents": 12}
    of_eight = missed_of(rows, each=3)  # four of either kind
    assert of_eight["documents"] == 24
    assert of_eight["within"] is of_eight["out"] is of_eight["by_family"]["IX"] is None
    assert missed_of(rows, each=6) == {}


def test_what_three_documents_have_of_two_kinds_does_not_follow_from_the_third() -> None:
    """They are not six, and all errors less the third kind's would be theirs."""
    truth = np.zeros((20, 5), dtype=bool)
    predicted = np.zeros_like(truth)
    truth[:3, [0, 2]] = predicted[:3, 1] = True  # E11 is missed beside E78, and I10
    truth[3:, 4] = True

    def told() -> list[str]:
        found = errors.families(truth, predicted, CODES, "chapter", limit(5, 20), 0, 20)
        missed = found["false_negatives"]
        return [name for name in ("within", "out", "unmapped") if missed[name] is not None]

    assert told() == []
    truth[:3, 2] = False  # negative control: three documents of each, six in all
    truth[3:6] = np.arange(5) == 2
    assert told() == ["unmapped"]


def test_unmapped_errors_are_told_in_both_places_or_in_none() -> None:
    """Else the one place would tell what is held back beside them in the other."""
    within = missed_of([("E11*", 3), ("E11", 10), ("I10", 20), ("HFMA", 8)])
    assert within["within"] is within["unmapped"] is None and within["out"] is not None
    assert within["by_family"]["unmapped"] is within["by_family"]["IV"] is None
    assert within["by_family"]["IX"] is not None
    family = missed_of([("E11*", 10), ("I10", 3), ("C50", 20), ("HFMA", 8)])
    assert family["by_family"]["unmapped"] is family["by_family"]["IX"] is None
    assert family["unmapped"] is family["within"] is None and family["out"] is not None
    # negative control: five within, and three families of more
    enough = missed_of([("E11*", 5), ("E11", 10), ("I10", 20), ("HFMA", 8)])
    assert enough["unmapped"] is not None
    assert [name for name, one in enough["by_family"].items() if one is None] == ["II"]
