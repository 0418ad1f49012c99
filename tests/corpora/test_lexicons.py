"""The lexicons of the package: every table parses, and its rows keep the rules of its README."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

import synthfr.corpora.files
from synthfr import icd10
from synthfr.text import language

FOLDER = Path(synthfr.corpora.files.__file__).parent / "lexicons"
LEXICONS = sorted(FOLDER.glob("*.csv"))
HEADER = ["term", "code", "source"]
MIN_ROWS = {"fr": 1500, "en": 1500, "ru": 800, "sv": 600}

_MARKS = "\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}"  # typography that terms do without


class Row(NamedTuple):
    term: str
    code: str
    source: str


Check = Callable[[Sequence[Row], str], list[str]]


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a file as they stand there."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, strict=True)
    return header, rows


def rows_of(path: Path) -> list[Row]:
    return [Row(*row) for row in table(path)[1]]


def sources() -> set[str]:
    """Those that the README documents."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    _, _, documented = readme.partition("| source |")
    return set(re.findall(r"^\| `(\w+)` \|", documented, flags=re.MULTILINE))


def form(term: str, code: str) -> str:
    """What is compared: "DT1" is not "DT2", and an abbreviation is no word."""
    words = [language(code).normalise(word) for word in re.split(r"[\s'-]+", term)]
    digits = re.findall(r"\d+", term)
    return " ".join(["abbreviation:" if term.isupper() else "", *words, *digits])


def unsorted(rows: Sequence[Row], _: str) -> list[str]:
    keys = [(row.code, row.term) for row in rows]
    return [after[1] for before, after in itertools.pairwise(keys) if not before < after]


def ambiguous(rows: Sequence[Row], code: str) -> list[str]:
    """Terms whose form an earlier row has."""
    seen: set[str] = set()
    found = []
    for row in rows:
        if (one := form(row.term, code)) in seen:
            found.append(row.term)
        seen.add(one)
    return found


def malformed_codes(rows: Sequence[Row], _: str) -> list[str]:
    return [
        row.term
        for row in rows
        if not icd10.is_code(row.code) or icd10.normalise_code(row.code) != row.code
    ]


def undocumented_sources(rows: Sequence[Row], _: str) -> list[str]:
    known = sources()
    return [row.term for row in rows if row.source not in known]


def no_terms(rows: Sequence[Row], _: str) -> list[str]:
    """Too short, a bare code, badly spaced or with typographic marks."""
    return [
        row.term
        for row in rows
        if len(row.term) < 2
        or icd10.is_code(row.term)
        or row.term != " ".join(row.term.split())
        or any(mark in row.term for mark in _MARKS)
    ]


GOOD = [Row("DT1", "E10.9", "own"), Row("DT2", "E11.9", "own"), Row("HTA", "I10", "edsnlp")]
CHECKS: list[tuple[Check, list[Row]]] = [
    (unsorted, [Row("zona", "B02.9", "own"), Row("varicelle", "B01.9", "own")]),
    (unsorted, [Row("zona", "B02.9", "own"), Row("zona", "B02.9", "own")]),
    (ambiguous, [Row("fièvre", "R50.9", "own"), Row("Fievre", "R50.8", "own")]),
    (ambiguous, [Row("œdème", "R60.9", "own"), Row("oedème", "R60.9", "own")]),
    (malformed_codes, [Row("hypertension", "hypertension", "own")]),
    (malformed_codes, [Row("diabète de type 2", "E119", "own")]),
    (undocumented_sources, [Row("toux", "R05", "a terminology")]),
    (no_terms, [Row("I10", "I10", "own")]),
    (no_terms, [Row("x", "I10", "own")]),
    (no_terms, [Row("douleur  thoracique", "R07.4", "own")]),
    (no_terms, [Row("douleur de l\N{RIGHT SINGLE QUOTATION MARK}aine", "R10.3", "own")]),
]


@pytest.mark.parametrize(("check", "bad"), CHECKS)
def test_checks_find_what_is_wrong_and_only_that(check: Check, bad: list[Row]) -> None:
    assert check(bad, "fr")
    assert not check(GOOD, "fr")


@pytest.mark.parametrize("path", LEXICONS, ids=lambda path: path.stem)
def test_every_row_has_the_columns_of_the_header(path: Path) -> None:
    header, rows = table(path)
    assert header == HEADER
    assert not [row for row in rows if len(row) != len(HEADER) or not all(row)]


@pytest.mark.parametrize("path", LEXICONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", dict.fromkeys(check for check, _ in CHECKS))
def test_rows_keep_the_rules(path: Path, check: Check) -> None:
    assert check(rows_of(path), path.stem) == []


def test_lexicons_are_large_enough() -> None:
    sizes = {path.stem: len(rows_of(path)) for path in LEXICONS}
    assert {code: sizes.get(code, 0) >= least for code, least in MIN_ROWS.items()} == {
        code: True for code in MIN_ROWS
    }


def not_in_use(rows: Sequence[Row], cim10: pd.DataFrame) -> list[str]:
    """Terms with a code that CIM-10 lacks or marks as withdrawn ("*** SU17 ***")."""
    in_use = set(cim10.loc[~cim10["label_fr"].str.startswith("***"), "code_dotted"])
    return [row.term for row in rows if row.code not in in_use]


def test_french_codes_are_in_use(real_corpora: Path) -> None:
    cim10 = pd.read_parquet(real_corpora / "cim10.parquet", columns=["code_dotted", "label_fr"])
    assert not_in_use(rows_of(FOLDER / "fr.csv"), cim10) == []
    bad = [Row("dengue", "A90", "own"), Row("dermite", "L99.99", "own")]
    assert not_in_use(bad, cim10) == ["dengue", "dermite"]


@pytest.mark.parametrize("code", ["ru", "sv"])
def test_other_codes_have_a_label_in_the_language(real_corpora: Path, code: str) -> None:
    codes = pd.read_parquet(real_corpora / "cim10.parquet")
    known = set(codes.loc[codes[f"label_{code}"].notna(), "code_dotted"])
    assert [row.term for row in rows_of(FOLDER / f"{code}.csv") if row.code not in known] == []
    assert "L99.99" not in known  # negative control
