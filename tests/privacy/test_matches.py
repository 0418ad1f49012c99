"""The suffix array against brute force, on hand-made and on random texts."""

from difflib import SequenceMatcher

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.privacy.coded import Coded, Vocabulary
from synthfr.privacy.matches import NOBODY, Matches, longest_runs
from synthfr.text.tokens import lower_words

TEXTS = st.lists(st.text(alphabet="ab ", max_size=25), max_size=6)


def coded(*corpora: list[str]) -> list[Coded]:
    vocabulary = Vocabulary(lower_words)
    return [vocabulary.code(corpus) for corpus in corpora]


def longest(text: str, others: list[str]) -> int:
    words = lower_words(text)
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(words)
    sizes = [0]
    for other in others:
        matcher.set_seq1(lower_words(other))
        sizes.append(matcher.find_longest_match().size)
    return max(sizes)


def test_by_hand() -> None:
    synthetic = ["Le patient va bien ce jour", "rien de commun"]
    real = ["hier le patient va mal", "il va bien ce jour même", "qui va bien ce soir"]
    found = Matches(*coded(synthetic, real)).runs(np.array([7, 8, 9]))
    assert found.longest.tolist() == [4, 0]  # "va bien ce jour"
    assert found.owner.tolist() == [8, NOBODY]
    assert found.of_others.tolist() == [3, 0]  # "le patient va", "va bien ce"
    by_place = Matches(*coded(synthetic, real)).longest()
    assert by_place.tolist() == [3, 2, 4, 3, 2, 1, 0, 0, 0, 0, 0]


def test_a_match_does_not_run_over_the_end_of_a_text() -> None:
    assert Matches(*coded(["a b c d"], ["a b", "c d"])).longest().tolist() == [2, 1, 2, 1, 0]
    assert Matches(*coded(["a b", "c d"], ["a b c d"])).runs(np.array([0])).longest.tolist() == [
        2,
        2,
    ]


def test_what_two_owners_have_nobody_takes_away() -> None:
    found = Matches(*coded(["a b c"], ["a b c", "x a b c"])).runs(np.array([0, 1]))
    assert (found.longest.tolist(), found.of_others.tolist()) == ([3], [3])


def test_only_the_asked_source_counts() -> None:
    texts, real = coded(["a b c"], ["a b c", "x b y", "q"])
    asked = [np.where(np.arange(3) == one, 0, NOBODY) for one in range(3)]
    assert [run.longest[0] for run in longest_runs(texts, real, asked)] == [3, 1, 0]


@settings(max_examples=150, deadline=None)
@given(synthetic=TEXTS, real=TEXTS, owners=st.lists(st.integers(-1, 2), min_size=6, max_size=6))
def test_against_brute_force(synthetic: list[str], real: list[str], owners: list[int]) -> None:
    owner_of = np.array(owners[: len(real)], dtype=np.int64)
    texts, source = coded(synthetic, real)
    (runs,) = longest_runs(texts, source, [owner_of], most_words=7)
    for row, text in enumerate(synthetic):
        best = {
            owner: longest(text, [t for t, o in zip(real, owner_of, strict=True) if o == owner])
            for owner in set(owners) - {NOBODY}
        }
        most = max(best.values(), default=0)
        assert runs.longest[row] == most
        owner = int(runs.owner[row])
        assert (owner == NOBODY) == (most == 0)
        if most:
            others = [length for name, length in best.items() if name != owner]
            assert runs.of_others[row] == max(others, default=0)
            assert best[owner] == most or max(others) == most
    places = Matches(texts, source).longest() if synthetic else np.zeros(0)
    for row, text in enumerate(synthetic):
        own = places[texts.starts[row] : texts.starts[row + 1]]
        assert own.max() == longest(text, real)


def test_words_are_compared_in_any_script_and_form() -> None:
    texts, real = coded(["Пациент жалуется на боль"], ["пациент ЖАЛУЕТСЯ на кашель"])
    assert Matches(texts, real).longest().max() == 3
    texts, real = coded(["le fe\u0301brile"], ["LE FÉBRILE"])
    assert Matches(texts, real).longest().max() == 2
