"""The interval over patients: against computing a figure again, and against chance itself."""

from __future__ import annotations

import numpy as np
import pytest

from synthfr.privacy.leave_one_out import Figure, Nearest, difference


def test_of_a_mean_it_is_the_usual_standard_error() -> None:
    """(Tukey 1958) Leaving one out of a mean of n gives s² / n."""
    values = np.random.default_rng(0).normal(size=30)
    without = (values.sum() - values) / 29
    figure = Figure(float(values.mean()), without)
    assert figure.variance == pytest.approx(values.var(ddof=1) / 30)
    other = Figure(0.0, np.zeros(10))
    interval = difference(figure, other)
    assert interval.mean == pytest.approx(values.mean()) and interval.n == 40
    half = 1.959964 * values.std(ddof=1) / np.sqrt(30)
    assert interval.high - interval.mean == pytest.approx(half)


def nearest(similarity: np.ndarray, left_out: int | None = None) -> np.ndarray:
    """Highest of each row, without one patient's columns (two columns a patient)."""
    if left_out is not None:
        similarity = np.delete(similarity, [2 * left_out, 2 * left_out + 1], axis=1)
    return np.asarray(similarity.max(axis=1))


def test_figures_without_each_patient() -> None:
    similarity = np.random.default_rng(1).random((50, 12))
    first = similarity.max(axis=1)
    patient = similarity.argmax(axis=1) // 2
    second = np.array([nearest(similarity, int(p))[row] for row, p in enumerate(patient)])
    found = Nearest(first, patient.astype(np.int64), second, 6)
    for left_out in range(6):
        again = nearest(similarity, left_out)
        assert found.mean().without[left_out] == pytest.approx(again.mean())
        highest = np.sort(again)[-5:].mean()
        assert found.mean_of_highest(5).without[left_out] == pytest.approx(highest)
    assert found.mean_of_highest(1000).value == pytest.approx(first.mean())


def test_two_samples_of_the_same_reports_mostly_do_not_differ() -> None:
    """Private reports of both sides alike: about 5 % of the intervals miss 0; drawing synthetic
    reports alone, as before, missed it far more often.
    """
    rng, missed, missed_over_texts = np.random.default_rng(2), 0, 0
    for _ in range(200):
        texts = rng.normal(size=(60, 3))
        figures, means = [], []
        for _side in range(2):
            private = rng.normal(size=(40, 3))
            similarity = -np.linalg.norm(texts[:, None] - private[None], axis=2)
            order = np.argsort(-similarity, axis=1)[:, :2]
            first, second = np.take_along_axis(similarity, order, axis=1).T
            figures.append(Nearest(first, order[:, 0], second, 40).mean())
            means.append(first)
        interval = difference(*figures)
        missed += not interval.low <= 0 <= interval.high
        gap = means[0] - means[1]
        missed_over_texts += abs(gap.mean()) > 2 * gap.std(ddof=1) / np.sqrt(60)
    assert 1 <= missed <= 22
    assert missed_over_texts > 1.5 * missed
