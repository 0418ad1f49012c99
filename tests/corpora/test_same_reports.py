"""Reports on both sides: equal but for the writing, near, and merely of one form."""

import random

import pytest

from synthfr.corpora.files import same_reports
from synthfr.corpora.files.same_reports import overlap

WORDS = [f"mot{number}" for number in range(2000)]


def report(seed: int, words: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words))


PUBLIC = [report(seed) for seed in range(30)]
NEAR = 0.5


def found(private: str, public: list[str] = PUBLIC) -> list[tuple[int, bool]]:
    return [(one.public, one.equal) for one in overlap(public, [private], NEAR).same]


def test_other_reports_are_not_found() -> None:
    """Negative control."""
    both = overlap(PUBLIC, [report(seed) for seed in range(100, 130)], NEAR)
    assert both.same == [] and both.public == [] and both.twice == []


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("Un homme de 54 ans, anémique.", "UN HOMME DE 54 ANS, ANÉMIQUE."),
        ("Un homme de 54 ans, anémique.", "Un  homme\r\nde 54\tans ; anemique"),
        ("L'œdème, traité à domicile", "l oedeme traite a domicile"),
        ("Une broncho-pneumonie", "Une bronchopneumonie"),
        ("Une ane\u0301mie", "Une anémie"),
        ("Жалобы на ещё боль", "жалобы на еще боль."),
    ],
)
def test_how_it_is_written_does_not_count(public: str, private: str) -> None:
    assert found(private, [*PUBLIC, public]) == [(30, True)]


@pytest.mark.parametrize(
    ("public", "private"),
    [
        ("Une HTA depuis 1990.", "Une HTA depuis 1991."),
        ("Pas de fièvre.", "De fièvre, pas."),
        ("...", "!"),
    ],
)
def test_other_letters_digits_or_order_do(public: str, private: str) -> None:
    assert found(private, [public]) == []


def test_a_copy_with_words_changed_is_near_until_too_many_are() -> None:
    words = PUBLIC[7].split()
    few, many = list(words), list(words)
    few[::20] = ["autre"] * len(few[::20])
    many[::8] = ["autre"] * len(many[::8])
    assert found(" ".join(few)) == [(7, False)]
    assert found(" ".join(many)) == []


def test_an_excerpt_is_near_whichever_side_it_is_on() -> None:
    part = " ".join(PUBLIC[3].split()[40:80])
    assert found(part) == [(3, False)]
    assert found(f"{report(500)} {part} {report(501)}", [report(502), part]) == [(1, False)]


def test_a_stock_phrase_is_too_short_to_tell() -> None:
    phrase = " ".join(WORDS[: same_reports.MIN_WORDS])
    assert found(f"{phrase} fin", [phrase]) == [(0, False)]
    shorter = " ".join(WORDS[: same_reports.MIN_WORDS - 1])
    assert found(f"{shorter} fin", [shorter]) == []


def test_the_text_of_a_form_tells_nothing() -> None:
    form = report(900, words=100)
    many = [f"{form} {report(seed, words=30)}" for seed in range(same_reports.MAX_HOLDERS + 1)]
    own = f"{form} {report(901, words=30)}"
    assert found(own, many) == []
    assert len(found(own, many[:-1])) == 1  # negative control: few reports hold it
    assert found(many[5] + " fin", many) == [(5, False)]  # what is no form's text is compared


def test_all_public_copies_are_named_and_the_best_is_told() -> None:
    copy = PUBLIC[0] + " fin"
    both = overlap([*PUBLIC, copy, PUBLIC[0].upper()], [PUBLIC[0], report(700), copy], NEAR)
    assert both.public == [0, 30, 31]
    assert [(one.private, one.public, one.equal) for one in both.same] == [
        (0, 0, True),
        (2, 30, True),
    ]


def test_copies_within_the_private_side() -> None:
    both = overlap(PUBLIC, [report(1000), report(1001), report(1000).upper()], NEAR)
    assert both.twice == [2] and both.same == []


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    private = [*(report(seed) for seed in range(20, 40)), PUBLIC[2] + " fin"]
    whole = overlap(PUBLIC, private, NEAR)
    assert len(whole.same) == 11
    monkeypatch.setattr(same_reports, "_BLOCK", 3)
    monkeypatch.setattr(same_reports, "_WORDS_KEPT", 50)
    assert overlap(PUBLIC, private, NEAR) == whole


def test_sides_without_passages() -> None:
    assert overlap([], ["Une HTA."], NEAR).same == []
    assert overlap(["Une HTA."], [], NEAR).same == []
    assert found("une hta", ["Une HTA."]) == [(0, True)]
