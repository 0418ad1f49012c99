"""Code sets drawn from exported counts: by hand, and by frequency against a known corpus."""

from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from synthfr import records, seeding
from synthfr.errors import UserError
from synthfr.generation.code_sets import CodeSets


def exported(documents: list[list[str]], min_documents: int = 1) -> pd.DataFrame:
    rows = [
        *(("size", (), n, c) for n, c in Counter(map(len, documents)).items()),
        *(("code", (k,), 1, c) for k, c in Counter(k for d in documents for k in d).items()),
        *(("pair", p, 2, c)
          for p, c in Counter(p for d in documents for p in combinations(sorted(d), 2)).items()),
    ]  # fmt: skip
    table = pd.DataFrame(
        [(kind, list(codes), n, c) for kind, codes, n, c in rows if c >= min_documents],
        columns=["kind", "codes", "size", "n_documents"],
    )
    records.validate(table, records.CODE_SETS, "code sets")
    return table


def draws(sets: CodeSets, n: int = 2000) -> list[list[str]]:
    return [sets.draw(seeding.rng(0, "draw", i)) for i in range(n)]


# I10 and E11 go together, A09 stays alone
CORPUS = [["I10", "E11"]] * 30 + [["I10"]] * 10 + [["E11"]] * 10 + [["A09"]] * 50


def test_lift_by_hand() -> None:
    sets = CodeSets(exported(CORPUS), max_codes=5)
    assert sets.codes == ["A09", "E11", "I10"]
    # 100 documents; I10 and E11 in 40 each: 16 expected together, 30 seen; A09 in 50: 20 expected,
    # none seen, and nothing was held back below the rarest count, 30: at most 29 may hide
    assert sets._lift[1, 2] == sets._lift[2, 1] == pytest.approx(30 / 16)
    assert sets._lift[0, 1] == pytest.approx(1.0)
    # with a rarest count of 1 nothing hides: half a document of 20
    sure = CodeSets(exported([*CORPUS, ["B00"]]), max_codes=5)
    position = {code: i for i, code in enumerate(sure.codes)}
    assert sure._lift[position["A09"], position["I10"]] == pytest.approx(0.5 / (50 * 40 / 101))


def test_sizes_follow_the_histogram_up_to_the_cap() -> None:
    documents = [["A09"]] * 50 + [["I10", "E11"]] * 30 + [["I10", "E11", "A09", "B00"]] * 20
    sizes = Counter(map(len, draws(CodeSets(exported(documents), max_codes=3))))
    assert set(sizes) == {1, 2, 3}  # the four-code documents count as three
    assert sizes[1] / 2000 == pytest.approx(0.5, abs=0.045)
    assert sizes[3] / 2000 == pytest.approx(0.2, abs=0.036)


def test_codes_are_distinct_and_known() -> None:
    for drawn in draws(CodeSets(exported(CORPUS), max_codes=5), 300):
        assert 1 <= len(drawn) == len(set(drawn))
        assert set(drawn) <= {"I10", "E11", "A09"}


def test_frequencies_and_company_resemble_the_corpus() -> None:
    random = np.random.default_rng(0)
    codes = [f"A{i:02}" for i in range(12)]
    weights = 1 / np.arange(3, 15) ** 0.85
    weights /= weights.sum()
    documents = []
    for _ in range(3000):
        drawn = set(random.choice(codes, size=random.integers(2, 4), replace=False, p=weights))
        if codes[0] in drawn and random.random() < 0.7:
            drawn.add(codes[5])  # company that chance does not explain
        documents.append(sorted(drawn))
    made = draws(CodeSets(exported(documents, 5), max_codes=5), 3000)

    def shares(sets: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
        one = Counter(code for s in sets for code in s)
        two = Counter(pair for s in sets for pair in combinations(sorted(s), 2))
        pairs = list(combinations(codes, 2))
        return (
            np.array([one[code] for code in codes]) / len(sets),
            np.array([two[pair] for pair in pairs]) / len(sets),
        )

    (one, two), (made_one, made_two) = shares(documents), shares(made)
    assert np.corrcoef(one, made_one)[0, 1] > 0.97
    assert np.corrcoef(two, made_two)[0, 1] > 0.95
    independent = np.array([one[i] * one[j] for i, j in combinations(range(12), 2)])
    assert np.corrcoef(two, independent)[0, 1] < 0.9  # what ignoring company would reach


def test_draws_depend_on_the_generator_alone() -> None:
    table = exported(CORPUS)
    shuffled = table.sample(frac=1, random_state=2)
    assert draws(CodeSets(table, 5), 50) == draws(CodeSets(shuffled, 5), 50)
    assert CodeSets(table, 5).draw(seeding.rng(1)) in (["A09"], ["I10"], ["E11"], *(
        [a, b] for a in ("A09", "I10", "E11") for b in ("A09", "I10", "E11") if a != b
    ))  # fmt: skip


@pytest.mark.parametrize("kind", ["size", "code"])
def test_nothing_exported_is_told(kind: str) -> None:
    table = exported(CORPUS)
    with pytest.raises(UserError, match=r"lower keywords\.min_documents"):
        CodeSets(table[table["kind"] != kind], 5)


def test_without_pairs_codes_are_independent() -> None:
    table = exported(CORPUS)
    sets = CodeSets(table[table["kind"] != "pair"], 5)
    assert sets._lift[0, 1] == pytest.approx(1.0)
