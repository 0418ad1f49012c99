"""Patients are the unit: of intervals and p values, of the split that tunes thresholds, and of what
may be told. Where every report has a patient of its own, all is as if patients were not known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr.coding import errors, evaluate_real
from synthfr.coding.bands import bands
from synthfr.coding.comparison import compare
from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.errors.resampling import drawn
from synthfr.coding.generator_seeds import compare_runs
from synthfr.coding.judged import Judged
from synthfr.coding.noise import NO_NOISE, SPREAD, Axes, Errs, Point, nearest
from synthfr.coding.sampling import sample_of
from synthfr.errors import UserError
from synthfr.stats import clustered_wilson, wilson
from tests.coding import toy

UNUSED = Path("the linear coder keeps nothing")
PATIENTS, EACH, LABELS = 80, 4, 6
N = PATIENTS * EACH
OWNERS = np.repeat(np.arange(PATIENTS), EACH)
SPACE = tuple(f"A0{label}" for label in range(LABELS))
BY_PATIENT = {f"h{row}": f"p{owner}" for row, owner in enumerate(OWNERS)}
BY_DOCUMENT = {f"h{row}": f"h{row}" for row in range(N)}


def judged(truth: Any, rng: np.random.Generator, seed: int = 0) -> Judged:
    """A coder that errs in all reports of a patient alike, and a little by report."""
    noise = rng.normal(0, 0.5, (PATIENTS, LABELS))[OWNERS] + rng.normal(0, 0.1, truth.shape)
    scores = truth - 0.5 + noise
    return Judged(
        document_ids=tuple(f"h{row}" for row in range(N)), label_space=SPACE, truth=truth,
        decided=scores > 0, scores=scores, size=100, top_k=LABELS, seed=seed,
        evaluation="unbiased", rule="fixed_threshold",
    )  # fmt: skip


def two_equal_coders(trial: int) -> tuple[list[Judged], list[Judged]]:
    rng = np.random.default_rng([3, trial])
    truth = (rng.random((PATIENTS, LABELS)) < 0.4)[OWNERS]  # a patient keeps the same diseases
    return [judged(truth, rng)], [judged(truth, rng)]


def test_the_interval_by_patients_holds_zero_as_often_as_it_says() -> None:
    """The negative control: by documents it does so in three cases of four."""

    def held(patients: dict[str, str], trial: int) -> bool:
        pair = {"": two_equal_coders(trial)}
        interval = compare(pair, patients, trial, ("macro_f1",), 300)[""]["macro_f1"].difference
        return interval.low <= 0 <= interval.high

    by_patient = np.mean([held(BY_PATIENT, trial) for trial in range(200)])
    by_document = np.mean([held(BY_DOCUMENT, trial) for trial in range(200)])
    assert 0.91 <= by_patient <= 0.99
    assert by_document <= 0.78


def test_generator_seeds_that_share_patients() -> None:
    """What they owe to the documents that all share is twice as uncertain of four alike."""
    rng = np.random.default_rng(0)
    truth = (rng.random((PATIENTS, LABELS)) < 0.4)[OWNERS]
    last, other = ([judged(truth, rng)] for _ in "ab")
    runs = {seed: last for seed in range(4)}, {seed: other for seed in range(4)}

    def width(patients: dict[str, str]) -> float:
        of_seeds = dict.fromkeys(range(4), patients)
        found = compare_runs(runs[0], {"x": [runs[1]]}, of_seeds, 0, ("macro_f1",), 400)
        interval = found["x"]["macro_f1"].difference
        return interval.high - interval.low

    assert width(BY_PATIENT) > 1.5 * width(BY_DOCUMENT)
    with pytest.raises(UserError, match=f"^compare: {N} of the reports .* not in data/private"):
        width({"another": "p"})


def test_bands_and_noise_draw_patients() -> None:
    one = judged((np.random.default_rng(1).random((PATIENTS, LABELS)) < 0.4)[OWNERS],
                 np.random.default_rng(2))  # fmt: skip
    counts = dict.fromkeys(SPACE, 50)

    def width(owners: Any) -> float:
        (band,) = bands([one], counts, Limit(1, owners), 0, 400).values()
        return band.macro_f1.high - band.macro_f1.low

    assert width(OWNERS) > 1.4 * width(np.arange(N))
    noisy = {
        NO_NOISE: Errs(one.truth, [one.truth]),
        Point(SPREAD, 0.5): Errs(one.truth, [one.decided]),
    }
    axes = Axes(
        errors.Curve.over(np.arange(LABELS) * 1.0, 2), errors.Curve.over(np.arange(N) * 1.0, 2)
    )
    half = np.where((np.arange(PATIENTS) < 34)[OWNERS][:, None], one.truth, one.decided)
    found = [
        nearest(Errs(one.truth, [half]), noisy, axes, 0, 300, owners)["kind"]["none"]
        for owners in (None, np.arange(N), OWNERS)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("held", [[1, 1, 1, 1], [3, 1, 2, 1], [1, 4]])
def test_whole_patients_are_drawn(held: list[int]) -> None:
    owners = np.random.default_rng(0).permutation(np.repeat(np.arange(len(held)), held))
    rows = [row for block in drawn(owners, 60, 0, "x") for row in block]
    assert len(rows) == 60
    for row in rows:
        times = np.bincount(row, minlength=len(owners))
        assert all(len(set(times[owners == one])) == 1 for one in range(len(held)))
        assert sum(times[np.flatnonzero(owners == one)[0]] for one in range(len(held))) == len(held)
    plain = [row for block in drawn(np.arange(4), 60, 0, "x") for row in block]
    assert held != [1] * 4 or sorted(map(tuple, owners[np.array(rows)])) == sorted(
        map(tuple, plain)
    )


def test_a_correlation_over_documents_of_few_patients_is_less_sure() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=30)[np.repeat(np.arange(30), 8)] for _ in "xy")

    def width(owners: Any) -> float:
        found = errors.correlations(x, y, owners, 0, "x", 400)["spearman"]
        assert found is not None
        return found["high"] - found["low"]

    assert width(np.repeat(np.arange(30), 8)) > 2 * width(np.arange(240))
    three = errors.correlations(x, y, np.repeat(np.arange(3), 80), 0, "x", 400)
    assert three == {"pearson": None, "spearman": None}


def test_families_draw_patients() -> None:
    (one,), _ = two_equal_coders(0)

    def width(owners: Any) -> float:
        codes = ["A00", "A01", "B00", "C00", "C01", "D00"]
        found = errors.families(one.truth, one.decided, codes, "chapter", Limit(1, owners), 0, 400)
        within = found["false_positives"]["within"]
        return float(within["high"] - within["low"])

    assert width(OWNERS) > 1.4 * width(np.arange(N))


class TestShares:
    def test_by_hand(self) -> None:
        """Three patients of 4, 4 and 2 documents, of which 4, 0 and 1 are successes: the share is
        .5, its variance between patients 3/2 · (2² + 2² + 0²) / 10² = .12; singly .25 / 9.
        """
        owners = np.repeat([0, 1, 2], [4, 4, 2])
        hits = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0], dtype=bool)
        found = clustered_wilson(hits, owners)
        n = 10 * (0.25 / 9) / 0.12 * (2.262157 / 4.302653) ** 2
        z2 = 1.959964**2
        centre, half = (
            (0.5 + z2 / (2 * n)) / (1 + z2 / n),
            (z2 * (0.25 / n + z2 / (4 * n * n))) ** 0.5,
        )
        assert found.mean == 0.5 and found.n == 10
        assert found.low == pytest.approx(centre - half / (1 + z2 / n), abs=1e-5)
        assert found.high == pytest.approx(centre + half / (1 + z2 / n), abs=1e-5)

    def test_of_documents_of_their_own_patients_it_is_wilsons(self) -> None:
        hits = np.arange(30) < 7
        assert clustered_wilson(hits, np.arange(30)) == wilson(7, 30)
        # two documents of every patient that never agree tell no less than as many patients
        alternate = np.tile([True, False], 15)
        pairs = clustered_wilson(alternate, np.repeat(np.arange(15), 2))
        assert (pairs.low, pairs.high) == pytest.approx((wilson(15, 30).low, wilson(15, 30).high))

    @pytest.mark.parametrize("every", [True, False])
    def test_at_the_ends_patients_count(self, every: bool) -> None:
        found = clustered_wilson(np.full(40, every), np.repeat(np.arange(10), 4))
        expected = wilson(10 * every, 10)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        one = clustered_wilson(np.full(40, every), np.zeros(40, dtype=int))
        assert one.high - one.low > 0.7

    def test_it_holds_the_share_as_often_as_it_says(self) -> None:
        """Documents of a patient agree mostly; Wilson's own interval is the negative control."""
        held, plain = [], []
        owners = np.repeat(np.arange(40), 5)
        for trial in range(400):
            rng = np.random.default_rng([5, trial])
            hits = rng.random(200) < rng.beta(0.4, 1.2, 40)[owners]  # a quarter of all
            one, other = clustered_wilson(hits, owners), wilson(int(hits.sum()), 200)
            held.append(one.low <= 0.25 <= one.high)
            plain.append(other.low <= 0.25 <= other.high)
        assert 0.92 <= np.mean(held) <= 0.98 and np.mean(plain) < 0.85

    def test_copying_tells_them(self) -> None:
        sets = np.random.default_rng(0).random((N, 5))[::EACH][:PATIENTS].repeat(EACH, axis=0) < 0.3
        training = sets[:3]
        found = [errors.copying(sets, training, Limit(1, owners))["exact"]
                 for owners in (OWNERS, np.arange(N))]  # fmt: skip
        assert found[0]["mean"] == found[1]["mean"]
        assert found[0]["high"] - found[0]["low"] > 1.5 * (found[1]["high"] - found[1]["low"])


class TestSplit:
    """Of 120 reports, 60 in the sample, a fifth of them to tune the threshold."""

    params = toy.params(sizes=[60])

    def reports(self, held: list[int]) -> pd.DataFrame:
        owners = np.repeat(np.arange(len(held)), held)
        ids = [f"r{row}" for row in range(len(owners))]
        return pd.DataFrame({"report_id": ids, "patient_id": [f"p{one}" for one in owners]})

    def patients(self, reports: pd.DataFrame, rows: Any) -> set[str]:
        return set(reports["patient_id"].iloc[rows])

    @pytest.mark.parametrize("held", [[4] * 30, [1] * 40 + [8] * 10, [30, 90], [40, 40, 40]])
    def test_no_patient_is_on_both_sides(self, held: list[int]) -> None:
        reports = self.reports(held)
        for seed in range(20):
            split = sample_of(reports, self.params, 60, seed, 0)
            assert len(split.fit) + len(split.validation) == 60
            of_fit, told = (self.patients(reports, rows) for rows in (split.fit, split.validation))
            assert of_fit and told and not of_fit & told
            # without the column the same reports are drawn, but some patients are on both sides
            plain = sample_of(reports[["report_id"]], self.params, 60, seed, 0)
            assert len(plain.validation) == 12
            assert {*plain.fit, *plain.validation} == {*split.fit, *split.validation}
            assert self.patients(reports, plain.fit) & self.patients(reports, plain.validation)
        if held == [4] * 30:
            assert 9 <= len(split.validation) <= 12

    def test_few_large_patients_leave_no_single_report_to_tune_on(self) -> None:
        """One report would fit in: a threshold of one report is chance."""
        reports = self.reports([1, 15, 15, 15, 14])
        for seed in range(5):
            split = sample_of(reports, self.params, 60, seed, 0)
            assert len(split.validation) in (14, 15)  # of 12 asked for
            of_fit, told = (self.patients(reports, rows) for rows in (split.fit, split.validation))
            assert not of_fit & told

    def test_where_each_has_one_report_the_first_drawn_ones_tune(self) -> None:
        reports = self.reports([1] * 120)
        split = sample_of(reports, self.params, 60, 3, 0)
        plain = sample_of(reports[["report_id"]], self.params, 60, 3, 0)
        assert split.fit.tolist() == plain.fit.tolist()
        assert split.validation.tolist() == plain.validation.tolist()

    def test_of_one_patient_nobody_is_left_to_tune_on(self) -> None:
        split = sample_of(self.reports([120]), self.params, 60, 0, 0)
        assert len(split.fit) == 60 and len(split.validation) == 0

    def test_coders_of_real_reports_know_no_patient_that_tunes_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the grid; the first six reports of the toy are of one patient, and so on."""
        from synthfr.coding import grid

        real = toy.reports(120, seed=1, prefix="real")
        real["patient_id"] = [f"p{row // 6}" for row in range(120)]
        seen = []

        def judge(judged: Any, parts: Any, rule: Any) -> Any:
            seen.append(parts)
            return original(judged, parts, rule)

        original = grid._judge
        monkeypatch.setattr(grid, "_judge", judge)
        evaluate_real(real, toy.reports(90, 2, "h"), self.params, toy.SPACE, 0, UNUSED)
        assert len(seen) == 3 * 2 * 2
        assert not any(
            self.patients(real, one.fit) & self.patients(real, one.validation) for one in seen
        )
