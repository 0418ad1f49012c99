"""The audit: hand-computed overlaps, and the gap that copies of training reports open."""

from __future__ import annotations

import numpy as np
import pytest

from synthfr.errors import UserError
from synthfr.privacy import overlap
from synthfr.privacy.overlap import Audit
from synthfr.privacy.sides import Sides
from tests.privacy.corpora import copied, frame, random_texts, sides_of

FILL = 20  # reports a side that share nothing: `Sides` wants some


def audited(
    synthetic: list[str], train: list[str], holdout: list[str], n: int, seed: int = 0
) -> Audit:
    used, unused = frame(train, "t"), frame(holdout, "h")
    return overlap.audit(synthetic, used, unused, Sides.of(used, unused, seed), n)


def filled(texts: list[str], letter: str) -> list[str]:
    """With reports of one word, which have no n-grams."""
    return [*texts, *(f"{letter}{number}" for number in range(FILL))]


def small_world(n: int, seed: int, words: int = 30) -> list[str]:
    """Texts of few different words, which share pairs by chance."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"m{number}" for number in rng.integers(0, 60, words)) for _ in range(n)]


def test_by_hand() -> None:
    synthetic = ["a b c d", "A B x", "y"]  # pairs: ab bc cd ab bx
    train = filled(["a b c", "b x"], "t")  # ab bc bx
    holdout = filled(["q r s", "c d"], "h")  # qr rs cd
    audit = audited(synthetic, train, holdout, n=2)
    assert audit.train.containment == pytest.approx(3 / 4)  # of ab bc cd bx
    assert audit.train.jaccard == pytest.approx(3 / 4)
    assert audit.train.shares.tolist() == pytest.approx([2 / 3, 1, 0])
    assert audit.train.reports_sharing.mean == pytest.approx(2 / 3)
    assert audit.train.longest_runs.tolist() == [3, 2, 0]
    assert audit.holdout.containment == pytest.approx(1 / 4)
    assert audit.holdout.jaccard == pytest.approx(1 / 6)
    assert audit.holdout.longest_runs.tolist() == [2, 0, 0]
    told = audit.as_dict()["gap"]
    assert isinstance(told, dict)
    assert told["containment"] == pytest.approx(2 / 4)
    assert told["report_share"]["mean"] == pytest.approx((1 / 3 + 1) / 3)
    assert told["compared_reports"] == FILL + 2


def test_figures_without_each_patient_by_hand() -> None:
    synthetic = ["a b c d", "a b x", "y"]
    train = filled(["a b c", "a b", "b x"], "t")  # ab of two patients, bc and bx of one each
    used, _ = audited(synthetic, train, [*filled([], "h"), "q", "r", "s"], n=2).ngrams
    assert used.containment.value == pytest.approx(3 / 4)
    assert used.containment.without[:3] == pytest.approx([2 / 4, 3 / 4, 2 / 4])
    assert used.jaccard.without[:3] == pytest.approx([2 / 4, 3 / 4, 2 / 4])
    assert used.report_share.value == pytest.approx((2 / 3 + 2 / 2) / 3)
    assert used.report_share.without[:3] == pytest.approx(
        [(1 / 3 + 1) / 3, (2 / 3 + 1) / 3, (2 / 3 + 1 / 2) / 3]
    )
    assert used.reports_sharing.without[:3] == pytest.approx([2 / 3] * 3)
    assert set(used.containment.without[3:]) == {used.containment.value}


def test_figures_without_a_patient_are_those_without_its_reports() -> None:
    """Every figure of a side, computed again after removing each patient in turn."""
    synthetic, train, holdout = (small_world(25, seed) for seed in range(3))
    used, _ = audited(synthetic, train, holdout, n=2).ngrams
    runs, _ = audited(synthetic, train, holdout, n=2).runs
    for patient in range(0, 25, 6):
        left = [text for number, text in enumerate(train) if number != patient]
        again = audited(synthetic, left, holdout, n=2)
        assert used.containment.without[patient] == pytest.approx(again.train.containment)
        assert used.jaccard.without[patient] == pytest.approx(again.train.jaccard)
        assert used.report_share.without[patient] == pytest.approx(again.train.shares.mean())
        sharing = again.train.reports_sharing.mean
        assert used.reports_sharing.without[patient] == pytest.approx(sharing)
        longest = again.train.longest_runs.mean()
        assert runs.mean().without[patient] == pytest.approx(longest)


def test_independent_reports_open_no_gap() -> None:
    synthetic, train, holdout = (small_world(60, seed) for seed in range(3))
    audit = audited(synthetic, train, holdout, n=2)
    assert 0 < audit.train.containment < 1
    told = audit.as_dict()["gap"]
    assert isinstance(told, dict)
    assert abs(told["containment"]) < 0.05
    for gap in (told["report_share"], told["longest_run_words"]):
        assert gap["low"] <= 0 <= gap["high"]


@pytest.mark.parametrize("script", ["latin", "cyrillic"])
@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1])
def test_verbatim_copies_are_seen(share: float, script: str) -> None:
    """Negative control: a generator that remembers the first words of each report."""
    train, holdout = random_texts(40, 1, 40, script), random_texts(40, 2, 40, script)
    audit = audited(copied(train, share, 3, script), train, holdout, n=8)
    expected = max(round(40 * share) - 7, 0) / 33  # of 40 words, 33 8-grams
    assert audit.train.containment == pytest.approx(expected)
    assert audit.train.shares == pytest.approx(expected)
    assert audit.train.reports_sharing.mean == (share > 0)
    assert audit.train.longest_runs.tolist() == [round(40 * share)] * 40
    assert audit.holdout.longest_runs.max() == 0
    told = audit.as_dict()["gap"]
    assert isinstance(told, dict)
    for name in ("report_share", "longest_run_words"):
        assert (told[name]["low"] > 0) == (share > 0)


def test_a_larger_train_side_alone_is_no_gap() -> None:
    """More reports hold more n-grams: the gap is over equally many of each side."""
    train, holdout = small_world(400, 1), small_world(50, 2)
    audit = audited(small_world(60, 0), train, holdout, n=2)
    assert audit.train.containment > audit.holdout.containment + 0.3
    assert audit.compared_reports == 50
    told = audit.as_dict()["gap"]
    assert isinstance(told, dict) and abs(told["containment"]) < 0.05


def test_reports_shorter_than_the_ngram() -> None:
    audit = audited(["a b", ""], filled(["a b"], "t"), filled(["c"], "h"), 8)
    assert audit.train.containment == audit.train.jaccard == 0
    assert audit.train.longest_runs.tolist() == [2, 0]


def test_no_synthetic_report_is_refused() -> None:
    used, unused = frame(filled([], "t"), "t"), frame(filled([], "h"), "h")
    with pytest.raises(UserError, match="no report"):
        overlap.audit([], used, unused, sides_of(filled([], "t"), filled([], "h")), 8)


def test_order_of_rows_does_not_matter_and_only_numbers_come_out() -> None:
    synthetic = small_world(20, 0)
    train, holdout = frame(small_world(30, 1), "t"), frame(small_world(20, 2), "h")
    mixed = train.sample(frac=1, random_state=1)
    one = overlap.audit(synthetic, train, holdout, Sides.of(train, holdout, 0), 2).as_dict()
    other = overlap.audit(synthetic, mixed, holdout, Sides.of(mixed, holdout, 0), 2).as_dict()

    def leaves(value: object) -> list[object]:
        return (
            [x for v in value.values() for x in leaves(v)] if isinstance(value, dict) else [value]
        )

    assert all(isinstance(leaf, int | float) for leaf in leaves(one))
    assert leaves(one) == pytest.approx(leaves(other))
