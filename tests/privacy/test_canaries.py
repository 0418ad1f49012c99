"""Canaries: found where they come out, at chance where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthfr.corpora import canaries
from synthfr.privacy.canaries import ALTERNATIVES, CanaryAudit
from synthfr.privacy.membership.settings import Membership
from tests.privacy import made


@pytest.fixture(scope="module")
def planted() -> tuple[pd.DataFrame, pd.DataFrame]:
    return canaries.planted(made.sides()[1], 40, 0)


@pytest.fixture(scope="module")
def audit(planted: tuple[pd.DataFrame, pd.DataFrame]) -> CanaryAudit:
    return CanaryAudit(planted[1], Membership(), 0)


def test_texts_without_them_are_at_chance(audit: CanaryAudit) -> None:
    found = audit.finding(audit.measure(list(made.sides()[0].texts)))
    assert found.p_value > 0.05 and not found.leaks(0.05)
    assert 0.5 < found.holdout < 3  # 1.4 bits, but for chance
    # without any text all are as likely as each other, but for their length
    assert abs(audit.finding(audit.measure([])).difference.mean) < 1


def test_reports_that_repeat_them_are_caught(
    audit: CanaryAudit, planted: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    reports, drawn = planted
    found = audit.finding(audit.measure(reports["text"].tolist()))
    assert found.leaks(0.01) and found.exceeds
    assert found.train == pytest.approx(np.log2(1 + ALTERNATIVES), abs=0.5)
    assert found.measures["verbatim"] == {"planted": 1.0, "not_planted": 0.0}
    # those that were never planted are no leak
    others = drawn["text"][drawn["report_id"].isna()].tolist()
    away = audit.finding(audit.measure(others))
    assert not away.exceeds and away.p_value > 0.9


def test_one_whole_canary_is_a_leak_by_itself(
    audit: CanaryAudit, planted: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    one = planted[1]["text"][0]
    spread = f"Vu :\n{one.upper().replace(' ', chr(10))} Suite."
    assert audit.finding(audit.measure(["Rien.", spread])).exceeds
    assert not audit.finding(audit.measure(["Rien.", one[: len(one) // 2]])).exceeds


def test_parts_of_it_raise_the_exposure(
    audit: CanaryAudit, planted: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    names = [text.split(",")[0] for text in planted[1]["text"][:40]]
    found = audit.finding(audit.measure([f"Vu {name}." for name in names]))
    assert found.leaks(0.01) and not found.exceeds


def test_parts_are_the_whole(
    audit: CanaryAudit, planted: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    texts = planted[0]["text"].tolist()[:50]
    whole, parts = (
        audit.measure(texts),
        audit.join(audit.measure(texts[:9]), audit.measure(texts[9:])),
    )
    assert np.array_equal(whole.counts, parts.counts)
    assert np.array_equal(whole.verbatim, parts.verbatim)


def test_none_planted_is_nothing_to_look_for() -> None:
    with pytest.raises(ValueError, match="no canary was planted"):
        CanaryAudit(canaries.planted(made.sides()[1], 0, 0)[1], Membership(), 0)
