"""What the n-gram audits write into the metrics file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthfr.privacy.best_match import Index
from synthfr.privacy.description import describe
from synthfr.privacy.embedding_distance import of_vectors
from synthfr.privacy.settings import Privacy
from synthfr.privacy.sides import Sides
from tests.privacy.corpora import copied, frame, random_texts, sides_of

FORMULA = " le patient a été informé des résultats et consent à la suite"


def described(synthetic: list[str], train: list[str], holdout: list[str]) -> Any:
    used, unused = frame(train, "t"), frame(holdout, "h")
    sides = Sides.of(used, unused, 0)
    index = Index(sides.texts)
    return describe(synthetic, used, unused, sides, index, Privacy(), 0).figures


def test_copies_show_in_every_block() -> None:
    train, holdout = random_texts(40, 1, 60), random_texts(40, 2, 60)
    told = described([*train[:20], *copied(train, 0.5, 3)[20:]], train, holdout)
    mean = told["best_match"]["recall"]["mean"]
    assert mean["train"] == pytest.approx((1 + 26 / 56) / 2) and mean["holdout"] == 0
    assert mean["difference"]["low"] > 0
    assert told["best_match"]["recall"]["mean_of_top_percent"]["train"] == 1
    assert told["best_match"]["train"]["recall"]["max"] == 1
    assert told["best_match"]["train"]["precision"] == pytest.approx(mean["train"])
    assert told["near_duplicates"]["reports"]["train"] == 0.5
    assert told["near_duplicates"]["reports"]["difference"]["low"] > 0
    assert told["embedding"]["dcr"]["difference"]["high"] < 0
    assert told["embedding"]["nearer_to_train"] == 1
    assert told["shared_ngrams"]["reports_sharing"]["train"] == 1


def test_whose_words_are_shared() -> None:
    """A leak is of one patient, boiler-plate of many."""
    train, holdout = random_texts(40, 1), random_texts(40, 2)
    with_formula = [[text + FORMULA for text in side] for side in (train, holdout)]
    told = described([f"début {n}" + FORMULA for n in range(10)], *with_formula)["best_match"]
    for side in ("train", "holdout"):
        assert told[side]["shared_ngrams_of"] == {
            "one_patient": 0,
            "few_patients": 0,
            "boilerplate": 1,
        }
    told = described(train[:10], train, holdout)["best_match"]
    assert told["train"]["shared_ngrams_of"]["one_patient"] == 1
    assert told["holdout"]["shared_ngrams_of"]["one_patient"] == 0


def test_unusual_texts_are_described() -> None:
    odd = ["", "mot", "😀 ❤️", "e\u0301tat", "un deux"]
    told = described(odd, [*odd[1:], *random_texts(20, 1)], random_texts(20, 2))
    assert told["best_match"]["recall"]["mean"]["train"] == 0
    assert told["longest_run_words"]["train"]["max"] == 2
    # no word at all
    assert described(["", "😀"], random_texts(20, 1), random_texts(20, 2))["embedding"]


def test_identical_embeddings_are_no_error() -> None:
    sides = sides_of(random_texts(20, 1), random_texts(20, 2))
    for vector in (np.ones(3, np.float32), np.zeros(3, np.float32)):
        told: Any = of_vectors(np.tile(vector, (2, 1)), np.tile(vector, (40, 1)), sides)
        assert told["nearer_to_train"] == 0.5
        assert told["nndr"] == {"train": 1, "holdout": 1}
        assert told["dcr"]["difference"]["mean"] == 0


def test_distances_by_hand() -> None:
    sides = sides_of([f"t{n}" for n in range(20)], [f"h{n}" for n in range(20)])
    angles = {"s": 0.0, "t0": 10.0, "t1": 20.0, "h0": 30.0}

    def embed(texts: Any) -> Any:
        degrees = np.radians([angles.get(text, 90) for text in texts])
        return np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)

    told: Any = of_vectors(embed(["s"]), embed(sides.texts), sides)
    near, next_one = 1 - np.cos(np.radians(10)), 1 - np.cos(np.radians(20))
    assert told["dcr"]["train"] == pytest.approx(near, abs=1e-5)
    assert told["nndr"]["train"] == pytest.approx(near / next_one, abs=1e-4)
    assert told["nearer_to_train"] == 1


def test_a_percentile_differs_only_as_far_as_patients_vary() -> None:
    """Private reports of one source on both sides: an interval around 0; copies of train: above."""
    words = ["rien", "bien", "mal", "peu"]

    def texts(seed: int, n: int) -> list[str]:
        rng = np.random.default_rng(seed)
        return [" ".join(rng.choice(words, 30)) for _ in range(n)]

    train, holdout, fresh = texts(1, 60), texts(2, 60), texts(3, 80)
    for synthetic, leaks in ((fresh, False), ([*fresh[:20], *train], True)):
        told = described(synthetic, train, holdout)["best_match"]["recall"]
        for name in ("mean", "median", "p95", "mean_of_top_percent"):
            gap = told[name]["difference"]
            assert gap["low"] <= gap["mean"] <= gap["high"]
            assert (gap["low"] < 0 < gap["high"]) != leaks, name
            assert (gap["low"] > 0) == leaks, name
