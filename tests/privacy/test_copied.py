"""The audits of copies: what is caught, what is a formula, and parts that add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synthfr.privacy.copied import BestMatch5, CopiedRuns, Copying, SharedNgrams8
from synthfr.privacy.findings import Finding
from synthfr.privacy.sides import Sides
from tests.privacy.corpora import copied, frame, random_texts, sides_of

AUDITS = [CopiedRuns, SharedNgrams8, BestMatch5]
FORMULA = "le patient a été informé des résultats de ce jour et consent à la suite des soins"  # 17


def found(audit: Any, sides: Sides, texts: list[str]) -> Finding:
    one = audit(sides, Copying(), 0)
    return one.finding(one.measure(texts))  # type: ignore[no-any-return]


@pytest.mark.parametrize("audit", AUDITS)
@pytest.mark.parametrize("script", ["latin", "cyrillic"])
@pytest.mark.parametrize("share", [0.25, 0.5, 1])
def test_a_generator_that_remembers_is_caught(audit: Any, script: str, share: float) -> None:
    train, holdout = random_texts(30, 1, 60, script), random_texts(30, 2, 60, script)
    finding = found(audit, sides_of(train, holdout), copied(train, share, 3, script))
    assert finding.leaks(0.01) and finding.holdout == 0
    words = round(60 * share)
    known = {
        "copied_runs": words,
        "shared_ngrams": (words - 7) / 53,  # of 60 words, 53 8-grams
        "best_match": (words - 4) / 56,
    }
    assert finding.train == pytest.approx(known[finding.test])
    assert finding.exceeds == (finding.test == "copied_runs" and words >= 31)


@pytest.mark.parametrize("audit", AUDITS)
@pytest.mark.parametrize("script", ["latin", "cyrillic"])
def test_an_independent_generator_is_not(audit: Any, script: str) -> None:
    train, holdout = random_texts(30, 1, 60, script), random_texts(30, 2, 60, script)
    finding = found(audit, sides_of(train, holdout), random_texts(30, 3, 60, script))
    assert finding.train == finding.holdout == 0 and not finding.leaks(0.05)


@pytest.mark.parametrize("audit", AUDITS)
def test_a_formula_of_the_hospital_is_no_leak(audit: Any) -> None:
    """Even if only train reports have it: it tells nothing of one patient."""
    train = [f"{text} {FORMULA} {FORMULA[::-1]}" for text in random_texts(30, 1)]
    sides = sides_of(train, random_texts(30, 2))
    texts = [f"{text} {FORMULA} {FORMULA[::-1]}" for text in random_texts(30, 3)]
    finding = found(audit, sides, texts)
    assert finding.train == 0 and not finding.leaks(0.05)


@pytest.mark.parametrize("audit", AUDITS)
def test_what_few_patients_have_is_no_formula(audit: Any) -> None:
    """Negative control of the one before: the same words in the reports of four patients, many
    times over.
    """
    own = random_texts(40, 1)
    train = [f"{text} {FORMULA}" if number < 20 else text for number, text in enumerate(own)]
    patients = [f"p{number % 4}" if number < 20 else f"p{number}" for number in range(40)]
    sides = Sides.of(frame(train, "t", patients), frame(random_texts(40, 2), "h"), 0)
    assert found(audit, sides, [FORMULA]).train > 0


@pytest.mark.parametrize("audit", AUDITS)
def test_parts_add_up(audit: Any) -> None:
    train, holdout = random_texts(25, 1, 40), random_texts(25, 2, 40)
    train = [f"{text} {FORMULA}" for text in train]
    one = audit(sides_of(train, holdout), Copying(), 0)
    parts = (copied(train, 0.4, 4)[:10], [train[3], holdout[7], FORMULA], [])
    states = [one.measure(part) for part in parts]
    joined = one.join(one.join(states[0], states[1]), states[2])
    assert np.array_equal(joined, one.measure([text for part in parts for text in part]))
    assert one.finding(joined) == one.finding(one.measure([*parts[1], *parts[0]]))


def test_one_long_copy_exceeds_the_limit_whatever_chance_says() -> None:
    train, holdout = random_texts(30, 1, 60), random_texts(30, 2, 60)
    finding = found(CopiedRuns, sides_of(train, holdout), [train[4]])
    assert finding.p_value > 0.05 and finding.exceeds and finding.leaks(0.01)
    assert finding.measures["longest_words"] == {"train": 60, "holdout": 0}
    # of the other side it is a copy too, but not one that training explains
    finding = found(CopiedRuns, sides_of(train, holdout), [holdout[4]])
    assert not finding.exceeds and not finding.leaks(0.01)


def test_what_a_report_of_the_holdout_has_too_exceeds_no_limit() -> None:
    """A case that stands once on each side was no secret of train; chance still weighs it."""
    train, holdout = random_texts(30, 1, 60), random_texts(30, 2, 60)
    shared = " ".join(train[4].split()[:45])
    sides = sides_of(train, [f"{shared} {holdout[0]}", *holdout[1:]])
    finding = found(CopiedRuns, sides, [train[4]])
    assert not finding.exceeds and finding.train == 2  # 60 words of one of 30
    assert finding.measures["longest_words"] == {"train": 15, "holdout": 0}
    # negative control: another report of train alone has it
    sides = sides_of([*train, f"{shared} de plus"], [*holdout, "autre"])
    assert found(CopiedRuns, sides, [train[4]]).exceeds


def test_words_of_a_formula_inside_a_run_do_not_count() -> None:
    train = [f"{text} {FORMULA}" for text in random_texts(30, 1, 20)]
    one = CopiedRuns(sides_of(train, random_texts(30, 2)), Copying(), 0)
    assert one.measure([train[0]]).tolist() == [[20] + [0] * 59] * 2
    # the run goes on into the formula; seven words alone are no run
    last = " ".join(train[0].split()[13:20])
    assert one.measure([f"{last} {FORMULA}"]).tolist() == [[7] + [0] * 59] * 2
    assert one.measure([last]).tolist() == [[0] * 60] * 2


@pytest.mark.parametrize("audit", AUDITS)
def test_unusual_texts(audit: Any) -> None:
    train, holdout = random_texts(30, 1), random_texts(30, 2)
    odd = ["", "mot", "😀 🏥 ❤️", " \n", "un deux trois", "m " * 500_000]
    sides = sides_of([*train, *odd], [*holdout, "h", "e\u0301tat"])
    one = audit(sides, Copying(), 0)
    assert not one.finding(one.measure([])).leaks(0.05)
    assert not one.finding(one.measure(["", "mot", "😀", "zz " * 400_000])).leaks(0.05)
    assert audit(sides_of(["a", *train], ["b", *holdout]), Copying(), 0).measure(["a"]).sum() == 0
