"""Where code sets come from: imitated by hand, uniform by a test of fit, given row by row."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

from synthfr import seeding
from synthfr.errors import UserError
from synthfr.generation.code_sets import ImitatedSets
from synthfr.generation.set_sources import Draw, in_order, open_source, uniform
from synthfr.generation.synthesis import Synthesize
from synthfr.keywords.disclosure import code_sets

KNOWN = ["A09", "B00", "D64", "E11", "E11.9", "I10", "I50"]
DOCUMENTS = [["I10", "E11", "D64", "A09"]] * 6 + [["I10"]] * 3 + [["E11", "I10"]] * 1
TABLE = code_sets(DOCUMENTS, list(map(str, range(10))), 1, DOCUMENTS)
SHARED = code_sets(DOCUMENTS, list(map(str, range(10))), 2, DOCUMENTS)


def imitated(n: int, max_codes: int = 3, table: pd.DataFrame = TABLE) -> list[list[str]]:
    sets = ImitatedSets(table, max_codes)
    return [sets.draw(seeding.rng(0, "draw", at)) for at in range(n)]


def test_imitated_sets_by_hand() -> None:
    made = imitated(3000)
    principals = Counter((one[0], len(one) > 1) for one in made)
    # documents by how often their set occurs: 6, 3 and 1 of 10; at least one associated code where
    # there is any, none where there is none
    assert principals[("I10", True)] / 3000 == pytest.approx(0.6, abs=0.03)
    assert principals[("I10", False)] / 3000 == pytest.approx(0.3, abs=0.03)
    assert principals[("E11", True)] / 3000 == pytest.approx(0.1, abs=0.02)
    assert set(principals) == {("I10", True), ("I10", False), ("E11", True)}
    large = [one for one in made if one[0] == "I10" and len(one) > 1]
    sizes = Counter(map(len, large))  # one or two associated codes, up to max_codes 3
    assert set(sizes) == {2, 3} and sizes[2] / len(large) == pytest.approx(0.5, abs=0.04)
    assert all(len(set(one)) == len(one) for one in made)
    company = Counter(code for one in large for code in one[1:])
    assert set(company) == {"E11", "D64", "A09"}
    assert chisquare(list(company.values())).pvalue > 0.001
    # counts of pairs would put E11 beside I10 in other sets as well: the exact set is what is drawn
    assert {tuple(one) for one in made if one[0] == "E11"} == {("E11", "I10")}


def test_imitated_sets_have_at_most_so_many_codes() -> None:
    assert set(map(len, imitated(200, max_codes=6))) == {1, 2, 3, 4}
    assert set(map(len, imitated(50, max_codes=1))) == {1}
    # a set that one document has does not come where two are wanted
    assert "E11" not in {one[0] for one in imitated(300, table=SHARED)}
    assert "E11" in {one[0] for one in imitated(300)}  # the control
    shuffled = TABLE.sample(frac=1, random_state=1)
    assert imitated(50, table=shuffled) == imitated(50)


def test_counts_alone_cannot_be_imitated() -> None:
    counts = TABLE[TABLE["kind"] != "set"]
    with pytest.raises(UserError, match=r"no whole set.*keywords\.code_sets to sets"):
        ImitatedSets(counts, 5)


CODES = [f"C{number:02}" for number in range(20)]


def fits(draw: Draw, n: int = 6000, max_codes: int = 4) -> tuple[float, float]:
    """p-values: sizes equally likely, codes equally likely."""
    made = [draw(at, seeding.rng(0, "draw", at)) for at in range(n)]
    assert all(len(set(one)) == len(one) for one in made)
    sizes, codes = Counter(map(len, made)), Counter(code for one in made for code in one)
    assert set(sizes) == set(range(1, max_codes + 1)) and set(codes) == set(CODES)
    return (
        float(chisquare([sizes[size] for size in sorted(sizes)]).pvalue),
        float(chisquare([codes[code] for code in CODES]).pvalue),
    )


def test_uniform_draws_are_uniform() -> None:
    of_sizes, of_codes = fits(uniform(CODES, 4))
    assert of_sizes > 0.001 and of_codes > 0.001


def test_a_skewed_sampler_is_seen() -> None:
    """Negative control: every other code a tenth more likely, and sizes that favour one."""

    def skewed(_: int, generator: np.random.Generator) -> list[str]:
        weights = np.where(np.arange(20) % 2, 1.1, 0.9) / 20
        size = int(generator.choice([1, 2, 3, 4], p=[0.28, 0.24, 0.24, 0.24]))
        return list(generator.choice(CODES, size, replace=False, p=weights / weights.sum()))

    of_sizes, of_codes = fits(skewed)
    assert of_sizes < 0.001 and of_codes < 0.001


def test_no_more_codes_are_drawn_than_there_are() -> None:
    draw = uniform(["A09", "I10"], 5)
    sizes = {len(draw(0, seeding.rng(0, at))) for at in range(60)}
    assert sizes == {1, 2}


def params(**values: Any) -> Synthesize:
    return Synthesize.model_validate({"max_codes": 3, **values})


def file(folder: Path, text: str, name: str = "sets.csv") -> dict[str, Any]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return {"path": str(path)}


def drawn(how: Synthesize, n: int) -> list[list[str]]:
    source = open_source(how, TABLE, KNOWN)
    return [source.draw(at, seeding.rng(0, at)) for at in range(n)]


def test_uniform_codes_come_from_the_table_or_a_list(tmp_path: Path) -> None:
    everything = {code for one in drawn(params(code_sets="uniform"), 200) for code in one}
    assert everything == set(KNOWN)
    # one row a synonym, as the original's file has it: a code counts once
    listed = file(tmp_path, "code,name\nI10,HTA\ni10,hypertension\nE119,diabète\n")
    made = drawn(params(code_sets="uniform", code_list=listed), 400)
    counts = Counter(code for one in made for code in one)
    assert set(counts) == {"I10", "E11.9"}
    assert counts["I10"] == pytest.approx(counts["E11.9"], rel=0.2)


def test_given_sets_come_in_their_order_and_again(tmp_path: Path) -> None:
    expected = [["I10", "E11.9"], ["D64"], ["A09", "I50", "I10"]]
    csv = file(tmp_path, 'codes\nI10;e119;I10\nD64\n"A09, I50 I10"\n')
    assert drawn(params(code_sets="given", given=csv), 5) == [*expected, *expected[:2]]
    lines = "".join(f'{{"dp": {str(one).replace(chr(39), chr(34))}}}\n' for one in expected)
    jsonl = file(tmp_path, lines, "sets.jsonl") | {"column": "dp"}
    assert drawn(params(code_sets="given", given=jsonl), 3) == expected
    pd.DataFrame({"codes": expected}).to_parquet(tmp_path / "sets.parquet")
    parquet = {"path": str(tmp_path / "sets.parquet")}
    assert drawn(params(code_sets="given", given=parquet), 2) == expected[:2]
    assert in_order(expected)(7, seeding.rng(0)) == expected[1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("codes\nI10\nI10;E11;D64;A09\n", r"row 2: 4 codes, and synthesize\.max_codes is 3"),
        ("codes\nI10;Z99\n", r"row 1: code 2 is not in the code table"),
        ("codes\nI10\nhypertension\n", r"row 2: item 1 is no ICD-10 code"),
        ("codes;n\nI10;1\n;2\n", r"row 2: there is no code"),
        ("code\nI10\n", r"none of which is called 'codes'.*synthesize\.given\.column"),
        ("codes\n", r"has no rows"),
    ],
)
def test_a_given_set_that_cannot_be_asked_for_is_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UserError, match=told) as caught:
        drawn(params(code_sets="given", given=file(tmp_path, text)), 1)
    assert "hypertension" not in str(caught.value) and "Z99" not in str(caught.value)


def test_a_list_that_cannot_be_drawn_from_is_refused(tmp_path: Path) -> None:
    for text, told in (("code\nI10 E11\n", "row 1: 2 codes in a list"), ("code\nQ01\n", "not in")):
        with pytest.raises(UserError, match=told):
            drawn(params(code_sets="uniform", code_list=file(tmp_path, text)), 1)
    with pytest.raises(UserError, match=r"synthesize\.code_list\.path: there is no file"):
        drawn(params(code_sets="uniform", code_list={"path": str(tmp_path / "no.csv")}), 1)
