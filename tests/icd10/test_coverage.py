"""How much of the reports' codes a code list knows."""

from synthfr.icd10.coverage import coverage


def test_known_wider_known_and_of_another_system() -> None:
    reports = [["I10", "E11.65", "S72.001A"], ["I10", "Z20.818", "M54.5"], []]
    found = coverage(reports, ["I10", "E11", "E11.6", "M54.5", "Z20.8"])
    assert (found.occurrences, found.known, found.distinct_unknown) == (6, 3, 3)
    assert found.wider_known == 2  # E11.65 and Z20.818
    assert found.clinical_modification == 2  # S72.001A and Z20.818
    assert found.share_known == 0.5


def test_forms_that_only_icd_10_cm_has() -> None:
    ours = [["E11.9", "C16.9+0", "M80.08", "I10"]]
    theirs = [["C4A.0", "W01.0XXA", "S72.001", "Z3A.20"]]
    assert coverage(ours, []).clinical_modification == 0
    assert coverage(theirs, []).clinical_modification == 4


def test_without_codes_nothing_is_unknown() -> None:
    assert coverage([[], []], ["I10"]).share_known == 1.0
