"""The bootstrap over documents and seeds: limits that hold, differences that are there are found,
and those that are not, in one case of twenty.
"""

import numpy as np
import pytest

from synthfr.bootstrap import (
    Statistic,
    crossed,
    crossed_difference,
    document_weights,
    patient_weights,
)
from synthfr.stats import paired_difference


def mean_of(values: np.ndarray) -> Statistic:
    """The mean of one value for each document."""

    def of(weights: np.ndarray) -> np.ndarray:
        return np.asarray(weights.astype(np.float64) @ values / weights.sum(axis=1))

    return of


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_weights_are_draws_with_replacement() -> None:
    blocks = list(document_weights(30, rng(0), 100))
    weights = np.concatenate(blocks)
    assert weights.shape == (100, 30) and (weights.sum(axis=1) == 30).all()
    assert 0.3 < (weights == 0).mean() < 0.44  # 1/e of the documents are not drawn
    again = np.concatenate(list(document_weights(30, rng(0), 100)))
    assert np.array_equal(weights, again)


def test_one_seed_has_the_limits_of_the_mean_of_its_documents() -> None:
    values = rng(1).normal(size=400)
    interval = crossed([mean_of(values)], np.arange(400), rng(2), draws=4000)
    half = 1.96 * values.std() / 20
    assert interval.mean == pytest.approx(values.mean()) and interval.n == 400
    assert interval.low == pytest.approx(values.mean() - half, abs=0.012)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.012)


def test_seeds_widen_the_limits_as_much_as_they_differ() -> None:
    """Documents all alike: what is left is the spread of the seeds, s / √S with S - 1."""
    seeds = rng(3).normal(size=12)
    interval = crossed(
        [mean_of(np.full(50, value)) for value in seeds], np.arange(50), rng(4), draws=8000
    )
    standard_error = seeds.std(ddof=1) / np.sqrt(12)
    assert (interval.high - interval.low) / 3.92 == pytest.approx(standard_error, rel=0.06)


def test_a_planted_difference_is_found_where_separate_limits_hide_it() -> None:
    documents = rng(5).normal(0, 3, 300)  # some are hard for every coder
    before = [mean_of(documents + rng(seed).normal(0, 0.3, 300)) for seed in (0, 1, 2)]
    after = [mean_of(documents + 0.2 + rng(seed).normal(0, 0.3, 300)) for seed in (3, 4, 5)]
    found = crossed_difference(after, before, np.arange(300), rng(6))
    assert found.interval.low > 0 and found.p_value < 0.01
    assert found.interval.mean == pytest.approx(0.2, abs=0.05)
    apart = [crossed(of, np.arange(300), rng(6)) for of in (after, before)]
    assert apart[0].low < apart[1].high
    other_way = crossed_difference(before, after, np.arange(300), rng(6))
    assert other_way.interval.mean == pytest.approx(-found.interval.mean)
    assert other_way.p_value == pytest.approx(found.p_value)
    # the control: the documents of one step shuffled, so that the pairing is lost
    shuffled = rng(7).permutation(documents)
    unpaired = [mean_of(shuffled + 0.2 + rng(seed).normal(0, 0.3, 300)) for seed in (3, 4, 5)]
    lost = crossed_difference(unpaired, before, np.arange(300), rng(6))
    assert lost.p_value > 0.05 and lost.interval.low < 0 < lost.interval.high


@pytest.mark.parametrize(
    ("of_seeds", "own_noise"),
    [(0.0, 0.0), (0.0, 1.0), (0.3, 0.0)],
    ids=["documents", "both", "seeds"],
)
def test_no_difference_is_found_in_about_one_of_twenty(of_seeds: float, own_noise: float) -> None:
    """300 experiments without a difference: documents alone differ; seeds differ document by
    document; seeds differ by a shift, more than documents make of it.
    """
    p_values = []
    for experiment in range(300):
        draw = rng(experiment)

        def step(draw: np.random.Generator = draw) -> list[Statistic]:
            of_step = draw.normal(size=80)
            return [
                mean_of(of_step + of_seeds * draw.normal() + own_noise * draw.normal(size=80))
                for _ in range(3)
            ]

        p_values.append(crossed_difference(step(), step(), np.arange(80), draw, draws=300).p_value)
    found = float(np.mean(np.array(p_values) <= 0.05))
    assert 0.01 <= found <= 0.09


@pytest.mark.parametrize(("patients", "plain"), [(4, 0.11), (8, 0.07)])
def test_of_few_patients_it_is_no_more(patients: int, plain: float) -> None:
    """400 experiments without a difference, four documents a patient. `plain`: what a normal
    distribution with the variance of the draws as it is finds at least.
    """
    owners, found, by_normal = np.repeat(np.arange(patients), 4), [], []
    for experiment in range(400):
        draw = rng(experiment)
        own = np.repeat(draw.normal(size=patients), 4)
        after, before = [mean_of(own)] * 3, [mean_of(np.zeros(len(own)))] * 3
        found.append(crossed_difference(after, before, owners, draw, draws=300).p_value)
        drawn = own.reshape(patients, 4).mean(axis=1)
        by_normal.append(abs(drawn.mean()) > 1.96 * drawn.std() / patients**0.5)
    assert 0.02 <= float(np.mean(np.array(found) <= 0.05)) <= 0.08
    assert float(np.mean(by_normal)) >= plain


@pytest.mark.parametrize("patients", [5, 10, 40])
def test_limits_hold_the_figure_however_few_patients(patients: int) -> None:
    """95 % of 400 experiments; plain percentiles hold it less often."""
    held, plain = [], []
    for experiment in range(400):
        draw = rng(experiment)
        values = draw.normal(size=patients)
        interval = crossed([mean_of(values)], np.arange(patients), draw, draws=1000)
        held.append(interval.low <= 0 <= interval.high)
        weights = np.concatenate(list(document_weights(patients, rng(experiment + 1), 1000)))
        low, high = np.quantile(weights @ values / patients, (0.025, 0.975))
        plain.append(low <= 0 <= high)
    assert 0.91 <= np.mean(held) <= 0.98
    assert np.mean(plain) < np.mean(held) or patients == 40


def test_three_seeds_that_differ_more_than_documents_are_little_evidence() -> None:
    """What percentiles of the draws took for certain: Student's t of the seeds decides."""
    before = [mean_of(np.zeros(80))] * 3
    after = [mean_of(np.full(80, shift)) for shift in (0.035, 0.012, 0.044)]
    found = crossed_difference(after, before, np.arange(80), rng(0))
    by_seed = paired_difference([0.035, 0.012, 0.044], [0.0] * 3)
    assert found.interval.low == pytest.approx(by_seed.low) and found.interval.low < 0
    assert found.p_value > 0.05


def test_no_difference_at_all() -> None:
    same = [mean_of(rng(8).normal(size=40))] * 2
    found = crossed_difference(same, same, np.arange(40), rng(9))
    assert found.p_value == 1 and found.interval.low == found.interval.high == 0
    one = crossed_difference(same[:1], same[:1], np.arange(40), rng(9))
    assert np.isnan(one.p_value) and one.interval.low == 0  # one seed shows no spread of seeds


def test_too_little_to_tell() -> None:
    one = [mean_of(np.array([1.0]))]
    assert np.isnan(crossed(one, np.arange(1), rng(0)).low)
    assert np.isnan(crossed_difference(one, one, np.arange(1), rng(0)).p_value)
    never = [lambda weights: np.full(len(weights), np.nan)]
    assert np.isnan(crossed_difference(never, never, np.arange(9), rng(0)).p_value)
    with pytest.raises(ValueError, match="2 seeds after, 1 before"):
        crossed_difference(one * 2, one, np.arange(1), rng(0))


def test_patients_are_drawn_with_all_their_documents() -> None:
    owners = np.array([2, 0, 1, 0, 2, 2])
    weights = np.concatenate(list(patient_weights(owners, rng(0), 500)))
    assert weights.shape == (500, 6)
    by_patient = weights[:, [1, 2, 0]]
    assert (weights == by_patient[:, owners]).all() and (by_patient.sum(axis=1) == 3).all()
    assert len(np.unique(weights.sum(axis=1))) > 1  # patients have more or fewer
    own = [np.concatenate(list(of)) for of in (patient_weights(np.arange(6), rng(1), 20),
                                               document_weights(6, rng(1), 20))]  # fmt: skip
    assert np.array_equal(*own)


def test_documents_of_a_patient_tell_less_than_as_many_patients() -> None:
    """Four copies of each value: the limits are those of the values once."""
    values = rng(0).normal(size=60)
    copies, owners = np.repeat(values, 4), np.repeat(np.arange(60), 4)
    once = crossed([mean_of(values)], np.arange(60), rng(1))
    of_patients = crossed([mean_of(copies)], owners, rng(1))
    assert (of_patients.low, of_patients.high) == pytest.approx((once.low, once.high))
    assert of_patients.n == 60
    of_documents = crossed([mean_of(copies)], np.arange(240), rng(1))
    assert of_documents.high - of_documents.low < 0.6 * (once.high - once.low)
    one = crossed([mean_of(copies)], np.zeros(240, dtype=int), rng(1))
    assert np.isnan(one.low)  # one patient alone
