import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr import icd10
from synthfr.errors import UserError

CODES = st.from_regex(r"[A-Z][0-9]{2}(\.[0-9]{1,3})?(\+[0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("i10", "I10"),
        (" E119 ", "E11.9"),
        ("e11.9", "E11.9"),
        ("F0300", "F03.00"),
        ("C169+0", "C16.9+0"),
        ("B24.+0", "B24+0"),
        ("A17.0†", "A17.0"),
        ("G01*", "G01"),
        ("S72.001A", "S72.001A"),
        ("C7A.1", "C7A.1"),
    ],
)
def test_spellings(written: str, normal: str) -> None:
    assert icd10.normalise_code(written) == normal
    assert icd10.is_code(written)


@pytest.mark.parametrize(
    "wrong",
    ["", "87", "A8", "I10.", "I10..9", "250.00", "diabète", "E11-E14", "IX", "A87 B20", "É11"],
)
def test_what_is_no_code_is_refused_and_not_repeated(wrong: str) -> None:
    assert not icd10.is_code(wrong)
    with pytest.raises(UserError, match="ICD-10") as error:
        icd10.normalise_code(wrong)
    assert not wrong or wrong not in str(error.value)


@given(CODES)
@settings(deadline=None)
def test_normal_form_is_a_fixed_point(code: str) -> None:
    assert icd10.normalise_code(code) == code
    assert icd10.normalise_code(code.replace(".", "").lower()) == code


def test_broader_climbs_to_the_category() -> None:
    chain = ["E11.98", "E11.9", "E11", None]
    assert [icd10.broader(code) for code in chain[:-1] if code] == chain[1:]
    assert icd10.broader("C16.9+0") == "C16.9"


@given(CODES)
@settings(deadline=None)
def test_broader_ends_in_the_category(code: str) -> None:
    last: str = code
    while (wider := icd10.broader(last)) is not None:
        assert len(wider) < len(last)
        assert icd10.related(wider, code)
        last = wider
    assert last == icd10.category(code)


def test_related_is_being_the_same_or_a_part() -> None:
    assert icd10.related("E11", "E11.9")
    assert icd10.related("E11.9", "E11")
    assert not icd10.related("E11.2", "E11.9")
    assert not icd10.related("E10", "E11")


def test_label_space_ranks_by_documents_then_name() -> None:
    documents = [["E11.9", "E11.2", "I10"], ["I10"], ["A41.9"], ["C50", "A41"], []]
    assert icd10.label_space(documents, 3) == ["A41", "I10", "C50"]
    assert icd10.label_space(documents, 10) == ["A41", "I10", "C50", "E11"]
    assert icd10.label_space([], 3) == []
