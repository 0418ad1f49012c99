"""Differences between train and holdout: found where they are, not found where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from synthfr.errors import UserError
from synthfr.privacy import comparison
from synthfr.privacy.sides import Sides


def reports(n: int, side: str, patients: int | None = None) -> pd.DataFrame:
    owners = [f"{side} patient {i % (patients or n)}" for i in range(n)]
    return pd.DataFrame(
        {
            "report_id": [f"{side}{i}" for i in range(n)],
            "text": [f"{side} report {i}" for i in range(n)],
            "codes": [["I10"]] * n,
            "language": "fr",
            "patient_id": owners,
        }
    )


def sides(n: int = 60, patients: int | None = None) -> Sides:
    return Sides.of(reports(n, "train", patients), reports(n, "holdout", patients), 0)


def test_the_larger_side_is_cut_by_whole_patients() -> None:
    found = Sides.of(reports(90, "train", 30), reports(60, "holdout", 60), 0)
    assert found.is_train.sum() == 60 and (~found.is_train).sum() == 60
    assert found.train_patients == 20 and found.n_patients == 80
    again = Sides.of(reports(90, "train", 30)[::-1], reports(60, "holdout", 60), 0)
    assert set(found.ids) == set(again.ids)  # by id, not by order


def test_the_order_of_the_rows_makes_no_difference() -> None:
    train, holdout = reports(90, "train", 45), reports(60, "holdout", 30)
    one, other = Sides.of(train, holdout, 0), Sides.of(train[::-1], holdout.sample(frac=1), 0)
    assert one.ids == other.ids and one.texts == other.texts
    assert np.array_equal(one.patients, other.patients)


def test_what_whole_patients_leave_too_small_is_refused() -> None:
    """Four patients of 25 reports each: none fits beside a holdout of 20."""
    for patients in (4, 8):  # of 12 or 13 reports each: one fits
        with pytest.raises(UserError, match=r"train has too many reports of the same patients"):
            Sides.of(reports(100, "train", patients), reports(20, "holdout"), 0)
    assert Sides.of(reports(100, "train", 20), reports(20, "holdout"), 0).is_train.sum() == 20


def test_equal_sides_are_refused_and_small_ones() -> None:
    with pytest.raises(UserError, match=r"stand in both .*remove the copies"):
        Sides.of(reports(30, "train"), reports(30, "train"), 0)
    shared = reports(30, "holdout").assign(patient_id=reports(30, "train")["patient_id"])
    with pytest.raises(UserError, match=r"30 patient\(s\) stand in both"):
        Sides.of(reports(30, "train"), shared, 0)
    with pytest.raises(UserError, match=r"holdout has 5 reports"):
        Sides.of(reports(30, "train"), reports(5, "holdout"), 0)


def test_an_accent_in_two_characters_is_the_letter() -> None:
    train = reports(30, "train").assign(text=[f"fie\u0300vre {i}" for i in range(30)])
    holdout = reports(30, "holdout").assign(text=[f"fi\u00e8vre {i}" for i in range(30)])
    with pytest.raises(UserError, match="stand in both"):
        Sides.of(train, holdout, 0)


def test_a_difference_is_found_and_none_is_not() -> None:
    compared_sides = sides()
    rng = np.random.default_rng(0)
    noise = rng.normal(size=120)
    higher = noise + 1.0 * compared_sides.is_train
    found = comparison.compare(compared_sides, comparison.mean_of(higher), 0)
    assert found.p_value <= 0.001 and found.difference.low > 0
    assert found.train - found.holdout == pytest.approx(found.difference.mean)
    none = comparison.compare(compared_sides, comparison.mean_of(noise), 0)
    assert none.p_value > 0.05 and none.difference.low < 0 < none.difference.high


def test_chance_is_called_a_difference_as_often_as_alpha_says() -> None:
    compared_sides = sides(40)
    rng = np.random.default_rng(1)
    with comparison.coarse():
        values = [
            comparison.compare(
                compared_sides, comparison.mean_of(rng.exponential(size=80)), 0
            ).p_value
            for _ in range(300)
        ]
    assert 0.02 < np.mean(np.array(values) <= 0.05) < 0.09


def test_reports_of_one_patient_count_as_one_draw() -> None:
    # ten reports of each of six patients: what looks like sixty values is six
    compared_sides = sides(60, patients=6)
    rng = np.random.default_rng(2)
    of_patient = rng.normal(size=12)[compared_sides.patients]
    clustered = comparison.compare(compared_sides, comparison.mean_of(of_patient), 0)
    loose = comparison.compare(sides(60), comparison.mean_of(of_patient), 0)

    def width(one: comparison.Compared) -> float:
        return one.difference.high - one.difference.low

    assert width(clustered) > 2 * width(loose)


def test_auc_and_tpr_are_scikit_learns() -> None:
    compared_sides = sides(200)
    rng = np.random.default_rng(3)
    scores = np.round(rng.normal(size=400) + compared_sides.is_train, 1)  # with ties
    weights = comparison.side_weights(compared_sides)
    assert comparison.auc_of(scores)(*weights)[0] == pytest.approx(
        roc_auc_score(compared_sides.is_train, scores)
    )
    fpr, tpr, _ = roc_curve(compared_sides.is_train, scores)
    for limit in (0.01, 0.1):
        assert comparison.tpr_of(scores, limit)(*weights)[0] == pytest.approx(
            tpr[fpr <= limit].max()
        )
    constant = comparison.auc_of(np.zeros(400))(*weights)[0]
    assert constant == 0.5
    assert comparison.tpr_of(np.zeros(400))(*weights)[0] == 0.0


def test_the_short_way_to_an_auc_is_the_long_way() -> None:
    """Reports that count once each, with ties, against the same as multiples of one half."""
    scores = np.random.default_rng(3).integers(0, 9, 120).astype(float)
    used, unused = comparison.side_weights(sides())
    auc = comparison.auc_of(scores)
    assert auc(used, unused)[0] == pytest.approx(auc(used / 2, unused / 2)[0], abs=1e-12)
