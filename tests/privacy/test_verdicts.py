"""Pass, fail and cannot tell; the overall verdict is the worst."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from synthfr.privacy.audits import AUDITS
from synthfr.privacy.detection import Limits
from synthfr.privacy.findings import Finding
from synthfr.privacy.outcome import Verdict
from synthfr.privacy.verdicts import (
    MOST_TESTS,
    Gate,
    as_dict,
    judge,
    overall,
    strictest,
)
from synthfr.stats import Interval


def finding(
    name: str, p_value: float, difference: float = 0.1, *, exceeds: bool = False
) -> Finding:
    interval = Interval(difference, difference - 0.1, difference + 0.1, 100)
    return Finding(name, "individualisation", 0.5, 0.4, interval, p_value, exceeds)


FOUND = Limits(5, None)


@pytest.mark.parametrize(
    ("one", "limits", "expected"),
    [
        (finding("a", 0.001), FOUND, Verdict.FAIL),
        (finding("a", 0.9), FOUND, Verdict.PASS),
        (finding("a", 0.9), Limits(50, None), Verdict.CANNOT_TELL),
        (finding("a", 0.9), Limits(None, None), Verdict.CANNOT_TELL),
        # the p value is one-sided, and may be of another figure than the difference
        (finding("a", 0.001, -0.1), FOUND, Verdict.FAIL),
        (finding("a", 0.999, -0.1), FOUND, Verdict.PASS),  # higher for holdout: no leak
        (finding("a", 0.9, exceeds=True), FOUND, Verdict.FAIL),
    ],
)
def test_the_verdict_of_a_test(one: Finding, limits: Limits, expected: Verdict) -> None:
    assert judge([one], {"a": limits}, Gate())["a"].verdict is expected


def test_a_limit_for_reworded_copies_is_asked_for_where_it_is_set() -> None:
    asked = Gate(reworded=10)
    assert judge([finding("a", 0.9)], {"a": FOUND}, asked)["a"].verdict is Verdict.CANNOT_TELL
    both = Limits(5, 10)
    assert judge([finding("a", 0.9)], {"a": both}, asked)["a"].verdict is Verdict.PASS


def test_a_level_that_no_p_value_reaches_is_refused() -> None:
    """999 permutations: no p value below .001, of nine tests no level below .009."""
    assert len(AUDITS) == MOST_TESTS
    with pytest.raises(
        ValidationError, match=r"999 permutations.* privacy\.gate\.alpha to 0\.0099"
    ):
        Gate(alpha=0.0089)
    assert strictest(Gate(alpha=0.0099).alpha, MOST_TESTS) >= 0.001


def test_ten_tests_do_not_accuse_by_chance() -> None:
    """One of ten at p = .03 is what chance brings; alone it would fail."""
    findings = [finding(f"t{i}", 0.03 if i == 0 else 0.5) for i in range(10)]
    judged = judge(findings, {one.test: FOUND for one in findings}, Gate())
    assert overall(judged) is Verdict.PASS and judged["t0"].adjusted_p == pytest.approx(0.3)
    alone = judge(findings[:1], {"t0": FOUND}, Gate())
    assert overall(alone) is Verdict.FAIL
    assert strictest(0.05, 10) == pytest.approx(0.005)


def test_the_worst_counts_and_nothing_tested_is_nothing_told() -> None:
    findings = [finding("a", 0.9), finding("b", 0.9), finding("c", 0.9, exceeds=True)]
    limits = {"a": FOUND, "c": FOUND}  # b: of unknown limit
    assert overall(judge(findings[:1], limits, Gate())) is Verdict.PASS
    assert overall(judge(findings[:2], limits, Gate())) is Verdict.CANNOT_TELL
    assert overall(judge(findings, limits, Gate())) is Verdict.FAIL
    assert overall({}) is Verdict.CANNOT_TELL


def test_the_form_of_the_metrics_file() -> None:
    found = as_dict(judge([finding("a", 0.5)], {"a": FOUND}, Gate()))
    assert found["verdict"] == 0
    assert found["tests"] == {
        "a": {
            "train": 0.5,
            "holdout": 0.4,
            "difference": {"mean": 0.1, "low": 0.0, "high": 0.2},
            "p_value": 0.5,
            "exceeds": 0,
            "risk": 0,
            "adjusted_p": 0.5,
            "detection": {"verbatim": 5, "reworded": None},
            "verdict": 0,
        }
    }
