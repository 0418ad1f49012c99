"""Learning rates over a training of eight steps with a peak of 0.01, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training import small

FALLING = [0.01, 0.00875, 0.0075, 0.00625, 0.005, 0.00375, 0.0025, 0.00125]  # an eighth each
# two steps of warm-up: from 0 by halves; then six to go
WARMED = [0.0, 0.005, 0.01, 0.05 / 6, 0.04 / 6, 0.005, 0.02 / 6, 0.01 / 6]
# half of 1 + the cosine of 0, 30, 60, 90, 120, 150 degrees
ROUNDED = [0.0, 0.005, 0.01, 0.0093301, 0.0075, 0.005, 0.0025, 0.00066987]


@pytest.mark.parametrize(
    ("kind", "schedule", "warmup_ratio", "expected"),
    [
        ("sft", "linear", 0.25, WARMED),
        ("sft", "cosine", 0.25, ROUNDED),
        ("sft", "constant", 0.25, [0.0, 0.005, *[0.01] * 6]),
        ("sft", "constant", 0.0, [0.01] * 8),
        ("dpo", "linear", 0.0, FALLING),
    ],
)
def test_rates_by_hand(
    kind: str,
    schedule: str,
    warmup_ratio: float,
    expected: list[float],
    base: Path,
    tmp_path: Path,
) -> None:
    changes = {"schedule": schedule, "warmup_ratio": warmup_ratio, "validation_share": 0.2}
    history = small.train(kind, base, tmp_path, **changes).history
    assert [row["learning_rate"] for row in history] == pytest.approx(expected, rel=1e-4)


def test_the_default_is_a_cosine() -> None:
    assert (small.sft_params().schedule, small.dpo_params().schedule) == ("cosine", "cosine")
    with pytest.raises(ValueError, match="'cosine', 'linear' or 'constant'"):
        small.sft_params(schedule="polynomial")
