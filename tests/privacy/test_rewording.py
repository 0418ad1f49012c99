"""Rewording: the same report in other words, far enough from it that no long passage is left."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthfr.privacy.rewording import Reworder, Rewording

NAMES = [("HTA", "hypertension artérielle"), ("diabète de type 2", "DNID", "DT2"), ("seul nom",)]
REPORT = (
    "Patient de 62 ans, suivi pour hypertension artérielle. Le diabète de type 2 est équilibré.\n"
    "CAT : Lantus 18 UI; Amlor 10; repos strict; surveillance.\n"
    "Créatinine 80.5 puis 310. Sortie en rééducation fonctionnelle le 04/09."
)


def reworder(sentences: float = 0.5, words: float = 0.2) -> Reworder:
    return Reworder(Rewording(sentences=sentences, words=words), NAMES)


def n_grams(text: str, n: int = 5) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + n]) for at in range(len(words) - n + 1)}


def test_strength_zero_changes_nothing() -> None:
    assert reworder(0.0, 0.0)(REPORT, "fr", 1) == REPORT


def test_the_seed_names_the_draw() -> None:
    assert reworder()(REPORT, "fr", 1) == reworder()(REPORT, "fr", 1)
    assert len({reworder()(REPORT, "fr", seed) for seed in range(20)}) > 10


def test_order_alone_keeps_every_word() -> None:
    for seed in range(20):
        other = reworder(1.0, 0.0)(REPORT, "fr", seed)
        assert other != REPORT
        assert sorted(other.replace(";", "").replace(".", "").split()) == sorted(
            REPORT.replace(";", "").replace(".", "").split()
        )
        assert other.count("\n") == REPORT.count("\n")


def test_words_alone_keep_the_order_and_change_only_what_they_may() -> None:
    other = reworder(0.0, 1.0)(REPORT, "fr", 3)
    assert "HTA" in other and "hypertension artérielle" not in other
    assert "DNID" in other or "DT2" in other
    assert "réed." not in other and "rééd." in other and "fonc." in other  # long words are cut
    for number in ("62", "18", "80.5", "310", "04/09"):
        assert number not in other
    assert re.search(r"\nCAT : Lantus \d\d UI; Amlor \d+; repos strict; surveillance\.\n", other)


@pytest.mark.parametrize(
    ("written", "decimals"), [("1.0", 1), ("0,05", 2), ("12.50", 2), ("0.9", 1)]
)
def test_decimals_stay(written: str, decimals: int) -> None:
    for seed in range(10):
        moved = reworder(0.0, 1.0)(written, "fr", seed)
        assert re.fullmatch(rf"\d+[.,]\d{{{decimals}}}", moved) and moved != written


@pytest.mark.parametrize(
    ("written", "least", "most"),
    [("310", 301, 319), ("18", 16, 20), ("0", 1, 1), ("9999999", 0, 0)],
)
def test_numbers_are_a_little_off(written: str, least: int, most: int) -> None:
    for seed in range(30):
        moved = int(reworder(0.0, 1.0)(written, "fr", seed))
        assert moved != int(written)
        assert abs(moved - int(written)) <= 9
        if most:
            assert least <= moved <= most


def test_codes_and_names_of_drugs_keep_their_digits() -> None:
    assert reworder(0.0, 1.0)("B12 et M84", "fr", 0) == "B12 et M84"


def test_few_five_grams_survive_and_a_copy_keeps_all() -> None:
    text = " ".join(f"{REPORT} Épisode {number} sans suite." for number in range(30))
    kept = len(n_grams(text) & n_grams(reworder()(text, "fr", 0))) / len(n_grams(text))
    assert kept < 0.5
    assert n_grams(text) & n_grams(reworder(0.0, 0.0)(text, "fr", 0)) == n_grams(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "un", "🙂", "e\u0301te\u0301", ": , ; .", "1", "9" * 5000]
)
def test_odd_texts_pass(text: str) -> None:
    assert isinstance(reworder(1.0, 1.0)(text, "fr", 0), str)


@given(st.text(), st.integers(0, 2**60))
@settings(deadline=None)
def test_any_text_passes_without_names(text: str, seed: int) -> None:
    other = Reworder(Rewording(sentences=1.0, words=0.0))(text, "sv", seed)
    assert sorted(other) == sorted(text)


def test_a_megabyte_is_reworded() -> None:
    assert len(reworder()(REPORT * 4000, "fr", 0)) > 500_000


def test_half_of_the_five_grams_of_real_cases_are_gone(real_corpora: Path) -> None:
    texts = pd.read_parquet(real_corpora / "fr_e3c_cases.parquet")["text"].head(100)
    kept = total = 0
    for seed, text in enumerate(texts):
        grams = n_grams(text)
        total += len(grams)
        kept += len(grams & n_grams(reworder()(text, "fr", seed)))
    assert 0.1 < kept / total < 0.5
