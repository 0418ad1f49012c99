"""Steps compared: the metrics of the bootstrap are those of `metrics`, a planted gain is found, the
same coder twice is not, and documents are joined by id.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from synthfr.bootstrap import crossed
from synthfr.coding import metrics
from synthfr.coding.bands import bands, columns_of_bands
from synthfr.coding.comparison import compare
from synthfr.coding.errors.disclosure import Limit
from synthfr.coding.judged import Judged
from synthfr.coding.weighted import statistic
from synthfr.errors import UserError

N, LABELS = 240, 9
SPACE = tuple(f"A0{label}" for label in range(LABELS))
PATIENTS = {f"h{number}": f"p{number}" for number in range(N)}
COUNTS = {name: 90 - 10 * label for label, name in enumerate(SPACE)}


def limit(least: int, each: int = 1) -> Limit:
    return Limit(least, np.arange(N) // each)


def judged(noise: float, seed: int, draw: int = 0, n: int = N, top: int = LABELS) -> Judged:
    """A coder that sees the truth through `noise`; the same truth whatever the seed."""
    truth = np.random.default_rng(draw).random((n, top)) < np.linspace(0.4, 0.1, top)
    scores = truth - 0.5 + np.random.default_rng([seed, draw, 1]).normal(0, noise, truth.shape)
    return Judged(
        document_ids=tuple(f"h{number}" for number in range(n)),
        label_space=SPACE[:top],
        truth=truth,
        decided=scores > 0,
        scores=np.round(scores, 1),  # with ties
        size=100,
        top_k=top,
        seed=seed % 10,
        evaluation="unbiased",
        rule="fixed_threshold",
    )


def coders(noise: float, first: int = 0) -> list[Judged]:
    return [judged(noise, first + seed) for seed in (0, 1, 2)]


def repeated(one: Judged, rows: Sequence[int]) -> Judged:
    ids = tuple(f"{row}" for row in range(len(rows)))
    return replace(one, document_ids=ids, truth=one.truth[rows], decided=one.decided[rows],
                   scores=one.scores[rows])  # fmt: skip


@pytest.mark.parametrize(
    "metric",
    ["macro_f1", "macro_f1_present", "micro_f1", "map", "map_document", "f1_at_3", "r_precision",
     "recall_at_5", "exact_match_ratio", "sample_jaccard", "hamming_loss"],
)  # fmt: skip
def test_a_weighted_metric_is_that_of_the_documents_repeated(metric: str) -> None:
    one = judged(0.7, 0, n=40)
    one.truth[:, 4] = False  # a label nobody has
    one.truth[3:9] = False  # documents without labels
    rng = np.random.default_rng(0)
    weights = np.stack([rng.multinomial(40, np.ones(40) / 40) for _ in range(5)])
    weights = np.concatenate([weights, np.ones((1, 40), dtype=int)])
    found = statistic(metric, one)(weights.astype(np.float32))
    for row, figure in zip(weights, found, strict=True):
        drawn = repeated(one, np.repeat(np.arange(40), row).tolist())
        if metric == "macro_f1":  # a label that is lost in the draw is left out
            lost = one.truth.any(axis=0) & ~drawn.truth.any(axis=0)
            drawn = drawn.narrowed(np.flatnonzero(~lost).tolist())
        told = metrics.of_decisions(drawn.truth, drawn.decided)
        told |= metrics.of_rankings(drawn.truth, drawn.scores)
        assert figure == pytest.approx(told[metric], rel=1e-5)


def test_a_coder_without_error_has_no_spread_however_rare_its_labels() -> None:
    """A label with one document is lost in a third of the draws."""
    truth = np.eye(20, dtype=bool)
    one = replace(
        judged(0.5, 0, n=20), label_space=tuple(map(str, range(20))), truth=truth, decided=truth,
        scores=truth.astype(float),
    )  # fmt: skip
    interval = crossed(
        [statistic("macro_f1", one)], np.arange(20), np.random.default_rng(0), draws=200
    )
    assert (interval.low, interval.mean, interval.high) == (1, 1, 1)


def test_infinite_scores_and_nothing_true() -> None:
    one = judged(0.7, 0, n=20)
    one.scores[:, 0] = -np.inf
    weights = np.ones((1, 20), dtype=np.float32)
    told = metrics.mean_average_precision(one.truth, one.scores)
    assert statistic("map", one)(weights)[0] == pytest.approx(told, rel=1e-5)
    nothing = replace(one, truth=one.truth & False)
    for metric in ("map", "map_document", "macro_f1_present"):
        assert np.isnan(statistic(metric, nothing)(weights)[0])
    with pytest.raises(ValueError, match="no bootstrap of the metric 'luck'"):
        statistic("luck", one)


def test_a_planted_gain_is_found_and_the_same_step_is_not() -> None:
    pairs = {
        "dpo1 - step0": (coders(0.5, 10), coders(0.7)),
        "step0 - step0": (coders(0.7), coders(0.7)),
        "another seed": (coders(0.7, 20), coders(0.7)),
    }
    found = compare(
        pairs, PATIENTS, random_seed=0, metrics=("macro_f1", "map", "map_document"), draws=500
    )
    for compared in found["dpo1 - step0"].values():
        assert compared.difference.low > 0 and compared.adjusted_p < 0.05
        assert compared.adjusted_p >= compared.p_value
    for compared in found["step0 - step0"].values():
        assert compared.difference.mean == 0 and compared.p_value == 1
    assert all(compared.adjusted_p > 0.05 for compared in found["another seed"].values())
    assert found == compare(pairs, PATIENTS, 0, ("macro_f1", "map", "map_document"), 500)
    assert found["dpo1 - step0"]["map"].as_dict().keys() == {"difference", "p_value", "adjusted_p"}
    # Holm over all nine, worked by hand for the smallest
    every = sorted(one.p_value for metric in found.values() for one in metric.values())
    smallest = min(one.adjusted_p for metric in found.values() for one in metric.values())
    assert smallest == pytest.approx(9 * every[0])


def test_answers_of_shuffled_documents_are_worse() -> None:
    """Negative control: a coder that answers about other documents."""
    order = np.random.default_rng(0).permutation(N)
    shuffled = [
        replace(one, decided=one.decided[order], scores=one.scores[order]) for one in coders(0.5)
    ]
    (found,) = compare({"x": (shuffled, coders(0.5))}, PATIENTS, 0, ("macro_f1",), 500).values()
    assert found["macro_f1"].difference.high < -0.1 and found["macro_f1"].p_value < 0.01


def test_documents_are_joined_by_id() -> None:
    after, before = coders(0.5, 10), coders(0.7)
    backwards = [one.in_order(one.document_ids[::-1]) for one in after]
    assert not np.array_equal(backwards[0].truth, after[0].truth)
    one = compare({"x": (after, before)}, PATIENTS, 0, draws=200)
    assert one["x"]["macro_f1"].difference.mean == pytest.approx(
        compare({"x": (backwards, before)}, PATIENTS, 0, draws=200)["x"]["macro_f1"].difference.mean
    )
    mixed = compare({"x": (after[::-1], before)}, PATIENTS, 0, draws=200)  # seeds are matched, too
    assert mixed == one


def test_what_cannot_be_compared_is_refused_without_an_id() -> None:
    after, before = coders(0.5), coders(0.7)
    wrong = {
        "seeds": [judged(0.5, seed) for seed in (0, 1)],
        "holdout reports": [judged(0.5, seed, n=N - 1) for seed in (0, 1, 2)],
        "labels": [judged(0.5, seed, top=LABELS - 1) for seed in (0, 1, 2)],
        "true codes": [judged(0.5, seed, draw=5) for seed in (0, 1, 2)],
    }
    for what, answers in wrong.items():
        with pytest.raises(UserError, match=f"dpo1 - step0.*{what}") as error:
            compare({"dpo1 - step0": (answers, before)}, PATIENTS, 0, draws=10)
        assert "h1" not in str(error.value)
    remedy = r"the same classify\.seeds \(kept coders: train_coder\.seeds\)\.$"
    with pytest.raises(UserError, match=remedy):
        compare({"x": ([], [])}, PATIENTS, 0, draws=10)
    assert compare({"x": (after, before)}, PATIENTS, 0, draws=10)  # the control


def test_bands_by_hand() -> None:
    assert columns_of_bands(SPACE, COUNTS) == {
        "rare": (6, 7, 8), "middle": (3, 4, 5), "frequent": (0, 1, 2),
    }  # fmt: skip
    same = columns_of_bands(SPACE, dict.fromkeys(SPACE, 5))
    assert list(same.values()) == [tuple(range(LABELS))]  # labels of one count stay together
    assert columns_of_bands((), {}) == {}


def test_macro_f1_of_bands() -> None:
    answers = coders(0.6)
    for one in answers:  # the rarest three are never given
        one.decided[:, 6:] = False
    found = bands(answers, COUNTS, limit(5), random_seed=0, draws=300)
    assert found["rare"].macro_f1.mean == found["rare"].macro_f1.high == 0
    frequent = found["frequent"]
    by_seed = [metrics.f1(one.truth[:, :3], one.decided[:, :3])["macro_f1"] for one in answers]
    assert frequent.macro_f1.mean == pytest.approx(np.mean(by_seed))
    assert frequent.macro_f1.low < frequent.macro_f1.mean < frequent.macro_f1.high
    told = frequent.as_dict()
    assert (told["labels"], told["fewest_documents"], told["most_documents"]) == (3, 70, 90)


def test_a_band_of_few_labels_or_few_reports_is_left_out() -> None:
    answers = coders(0.6)
    reports = int(answers[0].truth[:, 6:].any(axis=1).sum())
    everything = {"rare", "middle", "frequent"}
    assert set(bands(answers, COUNTS, limit(reports), random_seed=0, draws=20)) == everything
    # macro-F1 over all labels less the others would tell the rare ones
    few = bands(answers, COUNTS, limit(reports + 1), random_seed=0, draws=20)
    assert set(few) == {"frequent"}
    two = dict(zip(SPACE, (9, 9, 5, 5, 5, 5, 5, 1, 1), strict=True))
    assert columns_of_bands(SPACE, two)["rare"] == (7, 8)  # too few labels for a mean
    assert bands(answers, two, limit(1), random_seed=0, draws=20) == {}  # nor what would tell it


def test_bands_count_patients() -> None:
    answers = coders(0.6)
    assert set(bands(answers, COUNTS, limit(25, each=8), random_seed=0, draws=20)) == {
        *("rare", "middle", "frequent")
    }
    assert bands(answers, COUNTS, limit(25, each=12), random_seed=0, draws=20) == {}  # of 20
