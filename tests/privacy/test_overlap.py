"""The audit: hand-computed overlaps, and the gap that copies of training reports open."""

import numpy as np
import pandas as pd
import pytest

from synthfr import privacy


def frame(texts: list[str], prefix: str) -> pd.DataFrame:
    return pd.DataFrame({"report_id": [f"{prefix}{i}" for i in range(len(texts))], "text": texts})


def random_texts(n: int, seed: int, words: int = 30) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(f"m{number}" for number in rng.integers(0, 60, words)) for _ in range(n)]


def test_by_hand() -> None:
    synthetic = frame(["a b c d", "A B x", "y"], "s")  # pairs: ab bc cd ab bx
    train = frame(["a b c", "b x"], "t")  # ab bc bx
    holdout = frame(["q r s", "c d"], "h")  # qr rs cd
    audit = privacy.audit(synthetic, train, holdout, n=2, random_seed=0)
    assert audit.train.containment == pytest.approx(3 / 4)  # of ab bc cd bx
    assert audit.train.jaccard == pytest.approx(3 / 4)
    assert audit.train.shares.tolist() == pytest.approx([2 / 3, 1, 0])
    assert audit.train.reports_sharing.mean == pytest.approx(2 / 3)
    assert audit.train.longest_runs.tolist() == [3, 2, 0]
    assert audit.holdout.containment == pytest.approx(1 / 4)
    assert audit.holdout.jaccard == pytest.approx(1 / 6)
    assert audit.holdout.longest_runs.tolist() == [2, 0, 0]
    assert audit.containment_gap == pytest.approx(2 / 4)
    assert audit.share_gap.mean == pytest.approx((1 / 3 + 1) / 3)
    assert audit.longest_run_gap.mean == pytest.approx((1 + 2) / 3)
    assert audit.compared_reports == 2


def test_independent_reports_open_no_gap() -> None:
    synthetic, train, holdout = (
        frame(random_texts(60, seed), name) for seed, name in enumerate("sth")
    )
    audit = privacy.audit(synthetic, train, holdout, n=2, random_seed=0)
    assert 0 < audit.train.containment < 1
    assert abs(audit.containment_gap) < 0.05
    for gap in (audit.share_gap, audit.longest_run_gap):
        assert gap.low <= 0 <= gap.high


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_verbatim_copies_are_seen(share: float) -> None:
    """Negative control: a generator that remembers."""
    train, holdout = random_texts(40, 1), random_texts(40, 2)
    copied = round(40 * share)
    synthetic = train[:copied] + random_texts(40 - copied, 3)
    audit = privacy.audit(
        frame(synthetic, "s"), frame(train, "t"), frame(holdout, "h"), n=8, random_seed=0
    )
    assert audit.train.containment == pytest.approx(share, abs=0.01)
    assert audit.train.reports_sharing.mean == pytest.approx(share)
    assert audit.train.longest_runs.max() == 30
    assert audit.containment_gap > share - 0.01
    assert audit.share_gap.low > 0 and audit.longest_run_gap.low > 0


def test_a_larger_train_side_alone_is_no_gap() -> None:
    """More reports hold more n-grams: the gap is over equally many of each side."""
    synthetic = frame(random_texts(60, 0), "s")
    train, holdout = frame(random_texts(400, 1), "t"), frame(random_texts(50, 2), "h")
    audit = privacy.audit(synthetic, train, holdout, n=2, random_seed=0)
    assert audit.train.containment > audit.holdout.containment + 0.3
    assert audit.compared_reports == 50
    assert abs(audit.containment_gap) < 0.05


def test_reports_shorter_than_the_ngram() -> None:
    audit = privacy.audit(frame(["a b"], "s"), frame(["a b"], "t"), frame(["c"], "h"), 8, 0)
    assert audit.train.containment == audit.train.jaccard == 0
    assert audit.train.longest_runs.tolist() == [2]


def test_order_of_rows_does_not_matter_and_only_numbers_come_out() -> None:
    synthetic, train = frame(random_texts(20, 0), "s"), frame(random_texts(30, 1), "t")
    holdout = frame(random_texts(20, 2), "h")
    one = privacy.audit(synthetic, train, holdout, 2, 0).as_dict()
    other = privacy.audit(synthetic, train.sample(frac=1, random_state=1), holdout, 2, 0).as_dict()
    assert one == other

    def leaves(value: object) -> list[object]:
        return (
            [x for v in value.values() for x in leaves(v)] if isinstance(value, dict) else [value]
        )

    assert all(isinstance(leaf, int | float) for leaf in leaves(one))
