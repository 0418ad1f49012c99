"""The loop beside its controls over generator seeds: Student's paired t where every seed has its
own documents; wider where seeds share them; a planted gain is found, and none where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from synthfr.coding import metrics
from synthfr.coding.coder import Rows
from synthfr.coding.comparison import Compared, compare
from synthfr.coding.generator_seeds import Run, compare_runs
from synthfr.coding.judged import Judged
from synthfr.coding.metrics import Bools
from synthfr.errors import UserError

N, LABELS, SEEDS = 120, 6, (0, 1, 2, 3)
SPACE = tuple(f"A0{label}" for label in range(LABELS))


def judged(corpus: int, noise: float, run: int, seed: int, ids: str = "h{}") -> Judged:
    """A coder that sees the truth of a corpus through `noise`."""
    truth = np.random.default_rng([corpus, 1]).random((N, LABELS)) < 0.3
    scores = truth - 0.5 + np.random.default_rng([corpus, run, seed]).normal(0, noise, truth.shape)
    return Judged(
        document_ids=tuple(map(ids.format, range(N))), label_space=SPACE, truth=truth,
        decided=scores > 0, scores=scores, size=100, top_k=LABELS, seed=seed,
        evaluation="unbiased", rule="fixed_threshold",
    )  # fmt: skip


def run(noise: float, number: int, corpus: Callable[[int], int] = lambda seed: seed) -> Run:
    """Of every generator seed; by default each has a corpus of its own, with equal ids."""
    return {
        seed: [judged(corpus(seed), noise, 10 * number + seed, coder) for coder in (0, 1, 2)]
        for seed in SEEDS
    }


def alone(run: Run) -> dict[int, dict[str, str]]:
    """Each document is a patient of its own."""
    return {seed: {name: name for name in own[0].document_ids} for seed, own in run.items()}


def macro_f1(one: Run) -> list[float]:
    return [
        float(np.mean([metrics.of_decisions(a.truth, a.decided)["macro_f1"] for a in answers]))
        for answers in one.values()
    ]


def only(last: Run, other: Run, metric: str = "macro_f1") -> Compared:
    return compare_runs(last, {"other": [other]}, alone(last), 0, (metric,), draws=400)["other"][
        metric
    ]


def test_with_documents_of_its_own_for_every_seed_it_is_the_paired_t_test() -> None:
    last, control = run(0.5, 1), run(0.6, 2)
    found = only(last, control)
    expected = ttest_rel(macro_f1(last), macro_f1(control))
    limits = expected.confidence_interval(0.95)
    assert found.difference.mean == pytest.approx(
        np.mean(macro_f1(last)) - np.mean(macro_f1(control))
    )
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(limits))
    assert found.p_value == found.adjusted_p == pytest.approx(expected.pvalue)
    assert found.difference.n == len(SEEDS)


def test_documents_that_all_seeds_share_add_what_their_spread_cannot_show() -> None:
    """With one coder, seeds that are one run repeated differ in nothing: only documents are left,
    as in the comparison of one run.
    """
    one, other = (judged(0, noise, 7, 0) for noise in (0.5, 0.7))
    last, control = ({seed: [answers] for seed in SEEDS} for answers in (one, other))
    found = only(last, control)
    pair = {"": ([one], [other])}
    of_one = compare(pair, alone(last)[0], 0, ("macro_f1",), 400)[""]["macro_f1"]
    assert found.difference.low == pytest.approx(of_one.difference.low)
    assert found.difference.high == pytest.approx(of_one.difference.high)


def test_shared_documents_make_the_interval_wider_than_seeds_alone() -> None:
    last, control = run(0.5, 1, corpus=lambda _: 0), run(0.6, 2, corpus=lambda _: 0)
    found = only(last, control)
    limits = ttest_rel(macro_f1(last), macro_f1(control)).confidence_interval(0.95)
    assert found.difference.mean == pytest.approx((limits.low + limits.high) / 2)
    assert found.p_value != ttest_rel(macro_f1(last), macro_f1(control)).pvalue


def by_chance(rng: np.random.Generator, rows: Sequence[Rows], truth: Bools) -> Run:
    """A run whose coders err on some documents in every generator seed, and otherwise anew."""
    own = rng.normal(0, 0.45, truth.shape)
    found = {}
    for seed, some in enumerate(rows):
        scores = [truth[some] - 0.5 + own[some] + rng.normal(0, 0.35, (N, LABELS)) for _ in "ab"]
        found[seed] = [
            replace(
                judged(0, 0.5, 0, coder), document_ids=tuple(f"h{row}" for row in some),
                truth=truth[some], decided=one > 0, scores=one,
            )
            for coder, one in enumerate(scores)
        ]  # fmt: skip
    return found


@pytest.mark.parametrize(("documents", "too_rarely"), [(N, 0.8), (2 * N, 1), (4 * N, 1)])
def test_intervals_hold_the_truth_as_often_as_they_say(documents: int, too_rarely: float) -> None:
    """Loop and control are equally good on the documents that there could be: 95 % of the intervals
    hold zero, whether all generator seeds share their documents, half of them or none. Student's
    paired t alone (the negative control) misses it in a quarter of the cases where all do.
    """
    held, plain = [], []
    for trial in range(100):
        rng = np.random.default_rng([7, trial])
        truth = rng.random((documents, LABELS)) < 0.3
        shuffled = [rng.permutation(documents) for _ in SEEDS]
        apart = np.arange(4 * N).reshape(4, N)
        rows = list(apart) if documents == 4 * N else [one[:N] for one in shuffled]
        last, control = by_chance(rng, rows, truth), by_chance(rng, rows, truth)
        compared = compare_runs(
            last, {"c": [control]}, alone(last), trial, ("macro_f1",), draws=100
        )["c"]
        interval = compared["macro_f1"].difference
        held.append(interval.low <= 0 <= interval.high)
        limits = ttest_rel(macro_f1(last), macro_f1(control)).confidence_interval(0.95)
        plain.append(limits.low <= 0 <= limits.high)
    assert np.mean(held) >= 0.9
    assert np.mean(plain) <= too_rarely


def test_a_planted_gain_is_found_and_an_equal_control_is_not() -> None:
    last = run(0.45, 1)
    others = {"worse": [run(0.7, 2)], "equal": [run(0.45, 3)], "same": [last]}
    found = compare_runs(last, others, alone(last), 0)
    for compared in found["worse"].values():
        assert compared.difference.low > 0 and compared.adjusted_p < 0.05
    assert all(compared.adjusted_p > 0.05 for compared in found["equal"].values())
    assert all(compared.p_value == 1 for compared in found["same"].values())
    every = sorted(one.p_value for by in found.values() for one in by.values())
    smallest = min(one.adjusted_p for by in found.values() for one in by.values())
    assert smallest == pytest.approx(len(every) * every[0])  # Holm, by hand for the smallest
    assert set(found["worse"]) == {"macro_f1", "map"}


def test_the_best_of_several_is_chosen_in_each_seed() -> None:
    last, one, other = run(0.4, 1), run(0.6, 2), run(0.6, 3)
    best = np.maximum(macro_f1(one), macro_f1(other))
    assert len({float(value) in macro_f1(one) for value in best}) == 2  # now this, now that
    found = compare_runs(last, {"best": [one, other]}, alone(last), 0, ("macro_f1",))["best"][
        "macro_f1"
    ]
    assert found.difference.mean == pytest.approx(np.mean(macro_f1(last)) - best.mean())


def test_seeds_without_answers_are_left_out_and_fewer_than_three_are_no_test() -> None:
    last, control = run(0.5, 1), run(0.6, 2)
    three = {seed: control[seed] for seed in (0, 1, 3)}
    assert only(last, three).difference.n == 3
    two = {seed: control[seed] for seed in (0, 1)}
    assert compare_runs(last, {"two": [two]}, alone(last), 0) == {}


def test_documents_are_joined_by_id_and_those_of_a_few_seeds_can_be_shared() -> None:
    """Splits of one corpus overlap; the order of rows means nothing."""

    def split(answers: Judged, rows: slice) -> Judged:
        return replace(
            answers, document_ids=answers.document_ids[rows], truth=answers.truth[rows],
            decided=answers.decided[rows], scores=answers.scores[rows],
        )  # fmt: skip

    def of(noise: float, number: int, step: int) -> Run:
        return {
            seed: [split(judged(0, noise, 10 * number + seed, 0), slice(10 * seed, None))][::step]
            for seed in SEEDS
        }

    last, control = of(0.5, 1, 1), of(0.7, 2, 1)
    turned = {
        seed: [split(one, slice(None, None, -1)) for one in answers]
        for seed, answers in control.items()
    }
    assert only(last, turned).difference == only(last, control).difference
    with pytest.raises(UserError, match="other: the coders were judged on different holdout"):
        only(last, {seed: control[0] for seed in SEEDS})


@pytest.mark.parametrize("shared", [True, False])
def test_a_metric_that_is_not_defined_gives_no_test(shared: bool) -> None:
    """Nobody has a code: there is no mAP."""

    def without(one: Run) -> Run:
        return {
            seed: [replace(answers, truth=answers.truth & False) for answers in own]
            for seed, own in one.items()
        }

    def corpus(seed: int) -> int:
        return 0 if shared else seed

    last, control = without(run(0.5, 1, corpus)), without(run(0.7, 2, corpus))
    found = compare_runs(last, {"c": [control]}, alone(last), 0, ("macro_f1", "map"), draws=50)["c"]
    assert np.isnan(
        [found["map"].p_value, found["map"].adjusted_p, found["map"].difference.low]
    ).all()
    assert found["macro_f1"].adjusted_p == found["macro_f1"].p_value  # a family of one
