"""From scores to a finding: the figures are scikit-learn's, and chance is called by its name."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from synthfr.privacy import comparison
from synthfr.privacy.detection import Limits
from synthfr.privacy.membership.attack import Curve, membership_finding
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.verdicts import Gate, judge
from tests.privacy import made


def test_figures_are_scikit_learns() -> None:
    sides, _ = made.sides()
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=2 * made.SIZE) + sides.is_train, 1)  # with ties
    found = membership_finding("test", sides, scores, 0)
    fpr, tpr, _ = roc_curve(sides.is_train, scores, drop_intermediate=False)
    for name, most in (("tpr_at_1_percent", 0.01), ("tpr_at_10_percent", 0.1)):
        assert found.measures[name]["mean"] == pytest.approx(tpr[fpr <= most].max())  # type: ignore[index]
    auc = found.measures["auc"]
    assert auc["mean"] == pytest.approx(roc_auc_score(sides.is_train, scores))  # type: ignore[index]
    assert auc["low"] < auc["mean"] < auc["high"]  # type: ignore[index]
    assert found.train == pytest.approx(tpr[fpr <= 0.01].max())
    assert found.holdout == pytest.approx(fpr[fpr <= 0.01].max())
    assert found.difference.mean == pytest.approx(found.train - found.holdout)
    assert found.p_value == 1 / (comparison.PERMUTATIONS + 1)


def test_the_widest_threshold_by_hand() -> None:
    sides, _ = made.sides()
    scores = np.zeros(2 * made.SIZE)
    scores[made.copies(sides, 6)] = 1.0
    # 6 of 120 train reports above, none of 120: G / 2 = sum of O ln(O / E) over the four cells
    by_hand = 6 * np.log(6 / 3) + 114 * np.log(114 / 117) + 120 * np.log(120 / 117)
    assert Curve(scores).widest(*comparison.side_weights(sides))[0] == pytest.approx(by_hand)
    # negative control: the same of the holdout is no leak
    assert Curve(-scores).widest(*comparison.side_weights(sides))[0] == 0.0


def test_a_few_members_at_the_top_are_found() -> None:
    sides, _ = made.sides()
    scores = np.random.default_rng(1).normal(size=2 * made.SIZE)
    scores[made.copies(sides, 8)] += 9
    found = membership_finding("test", sides, scores, 0)
    assert found.leaks(0.05) and found.p_value < 0.02
    assert comparison.contrast(sides, comparison.auc_of(scores), 0)[1] > found.p_value


def test_a_leak_of_all_but_the_highest_scores_fails() -> None:
    """Three reports that were never used have the highest scores: with few false alarms nothing is
    found, and yet almost every report that was used is ahead of the others.
    """
    sides, _ = made.sides()
    scores = np.random.default_rng(4).normal(size=2 * made.SIZE) + 3 * sides.is_train
    scores[np.flatnonzero(~sides.is_train)[:3]] = 99.0
    found = membership_finding("test", sides, scores, 0)
    assert found.difference.mean <= 0 and found.measures["auc"]["mean"] > 0.95  # type: ignore[index]
    assert found.leaks(0.01)
    assert judge([found], {"test": Limits(1, 1)}, Gate())["test"].verdict is Verdict.FAIL
    # negative control: holdout ahead in the same way
    away = membership_finding("test", sides, -scores, 0)
    assert away.p_value > 0.5 and not away.leaks(0.05)


def test_random_scores_find_nothing() -> None:
    sides, _ = made.sides()
    rng = np.random.default_rng(2)
    findings = [membership_finding("t", sides, rng.normal(size=240), 0) for _ in range(40)]
    aucs = [one.measures["auc"]["mean"] for one in findings]  # type: ignore[index]
    assert min(aucs) > 0.4 and max(aucs) < 0.6
    # 40 draws: four or more below .05 have a probability of 14 %, seven of .3 %
    assert sum(one.p_value <= 0.05 for one in findings) < 7


def test_equal_scores_are_no_finding() -> None:
    sides, _ = made.sides()
    found = membership_finding("test", sides, np.zeros(2 * made.SIZE), 0)
    assert found.train == found.holdout == 0 and found.p_value == 1
    assert found.measures["auc"]["mean"] == 0.5  # type: ignore[index]
