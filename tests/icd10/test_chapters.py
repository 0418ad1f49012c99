"""Every code of every list that the project can load belongs to one of 22 chapters."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthfr import icd10
from synthfr.corpora.files import FileSource, SeedFiles
from synthfr.corpora.files.code_list import code_list

FROM_DISTRIBUTION = SeedFiles(codes=FileSource(), synonyms=FileSource(), lexicon="none")
DIGIT, THIRD = st.sampled_from("0123456789"), st.sampled_from("0123456789AB")


@pytest.mark.parametrize(
    ("chapter", "codes"),
    {
        "I": "A00 B99 B99+1",
        # what a table of the published companion system loses: C49 to C99, letters in third place
        "II": "C00 C49 C50.9 C79.3 C99 C4A.0 C7A.1 C7B C97 D3A D48.9 D49",
        "III": "D50 D89",
        "IV": "E00 E11.9 E90",
        "V": "F00 F99",
        "VI": "G00 G99",
        "VII": "H00 H59.8",
        "VIII": "H60 H95",
        "IX": "I00 I10 I99",
        "X": "J00 J99",
        "XI": "K00 K93 K94.0 K95",
        "XII": "L00 L99",
        "XIII": "M00 M1A.0 M99",
        "XIV": "N00 N99",
        "XV": "O00 O99 O9A",
        "XVI": "P00 P96",
        "XVII": "Q00 Q99",
        "XVIII": "R00 R99",
        "XIX": "S00 T98.3",
        "XX": "V00 V01 W19 X59 Y98 Y99",
        "XXI": "Z00 Z3A Z99",
        "XXII": "U00 U07.1 u071 U85",
    }.items(),
)
def test_first_and_last_codes(chapter: str, codes: str) -> None:
    assert {icd10.chapter(code) for code in codes.split()} == {chapter}


@pytest.mark.parametrize("code", ["", "0016070", "250.00", "HFMA009", "D95", "E91", "H99", "K96"])
def test_what_no_chapter_has(code: str) -> None:
    assert icd10.chapter(code) is None


def test_chapters_are_22_and_none_overlaps() -> None:
    assert len(icd10.CHAPTERS) == len(set(icd10.CHAPTERS)) == 22
    # in the order of the categories, each chapter is one run
    every = [f"{letter}{d}{t}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for d in "0123456789"
             for t in "0123456789AB"]  # fmt: skip
    seen = [one for code in sorted(every) if (one := icd10.chapter(code))]
    runs = [one for one, before in zip(seen, [None, *seen], strict=False) if one != before]
    assert runs == list(icd10.CHAPTERS)


@given(
    st.sampled_from("ABCFGIJLMNQRSVWXYZ"), DIGIT, THIRD, st.sampled_from(["", ".9", ".12", "+1"])
)
def test_a_code_has_the_chapter_of_its_category(
    letter: str, second: str, third: str, rest: str
) -> None:
    """Letters of one chapter, in which every number is used or may be."""
    code = letter + second + third
    assert icd10.chapter(code + rest) == icd10.chapter(code)
    assert icd10.chapter(code) is not None or third in "AB"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_code_of_a_languages_list_has_a_chapter(language: str) -> None:
    codes = code_list(FROM_DISTRIBUTION, language)["code"]
    assert len(codes) > 10_000
    assert [code for code in codes if icd10.chapter(code) is None] == []
    assert len({icd10.chapter(code) for code in codes}) >= 21


def test_every_code_of_cim10_has_the_chapter_that_the_list_names(real_corpora: Path) -> None:
    listed = pd.read_parquet(real_corpora / "cim10.parquet")
    assert len(listed) > 40_000
    found = listed.assign(chapter=[icd10.chapter(code) for code in listed["code"]])
    assert found["chapter"].notna().all()
    named = found[found["chapter_fr"].notna()]  # all but 14
    by_name = Counter(zip(named["chapter_fr"], named["chapter"], strict=True))
    assert len(named) > 42_000 and len(by_name) == 22  # one of ours for one of theirs


@pytest.mark.parametrize("corpus", ["fr_codiesp_icd10_train", "en_codiesp_train"])
def test_every_code_that_coders_gave_real_cases_has_a_chapter(
    real_corpora: Path, corpus: str
) -> None:
    cases = pd.read_parquet(real_corpora / f"{corpus}.parquet")
    columns = [name for name in cases if str(name).startswith("codes")]
    codes = {code for name in columns for listed in cases[name] for code in listed}
    assert len(codes) > 1000
    assert [code for code in codes if icd10.chapter(code) is None] == []
