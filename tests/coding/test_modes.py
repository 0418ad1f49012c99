"""Real reports with others added, and synthetic ones with labels of a real coder."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr.coding import evaluate_real, modes
from synthfr.coding.judged import Judged, Keep
from synthfr.coding.kept import Keeper
from synthfr.coding.mixtures import evaluate_mixtures, evaluate_public
from synthfr.coding.summary import Cell
from tests.coding import toy

UNUSED = Path("the linear coder keeps nothing")
PARAMS = toy.params(sizes=[60], top_k=[3, 6], seeds=[0, 1])


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return toy.reports(80, seed=1, prefix="real")


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return toy.reports(150, seed=2, prefix="h")


@pytest.fixture(scope="module")
def synthetic() -> pd.DataFrame:
    return toy.reports(200, seed=3, prefix="s")


@pytest.fixture(scope="module")
def shuffled(synthetic: pd.DataFrame) -> pd.DataFrame:
    return synthetic.assign(codes=np.random.default_rng(0).permutation(synthetic["codes"]))


def mixtures(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    sizes: list[int],
    shares: list[float],
    keep: Keep | None = None,
) -> dict[float, list[Cell]]:
    return evaluate_mixtures(
        synthetic, real, sizes, shares, holdout, PARAMS, toy.SPACE, 0, UNUSED, keep
    )


def mean(cells: list[Cell], metric: str = "map", **which: Any) -> float:
    which |= {"rule": "global_threshold"}
    found = [
        one[metric] for one in cells if all(one[name] == value for name, value in which.items())
    ]
    assert found
    return float(np.mean(found))


def test_the_share_is_of_what_a_coder_is_fitted_on(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    found = mixtures(synthetic, real, holdout, [20, 50], [0.0, 0.5, 0.75])
    assert list(found) == [0.0, 0.5, 0.75]
    # a fifth of the real reports tunes the threshold: 16 and 40 are left
    for share, size, expected in (
        (0.0, 20, 16),
        (0.5, 20, 16 + 16),
        (0.75, 20, 16 + 48),
        (0.75, 50, 40 + 120),
    ):
        assert mean(found[share], "trained_reports", size=size) == expected
    assert {cell["evaluated_reports"] for cell in found[0.5]} == {150}


def test_without_synthetic_reports_it_is_the_real_reference(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    params = PARAMS.model_copy(update={"evaluations": ["unbiased"]})
    reference = evaluate_real(real, holdout, params, toy.SPACE, 0, UNUSED)
    # what else is counted changes no feature of the coder
    assert mixtures(synthetic, real, holdout, [60], [0.0])[0.0] == reference


def test_useful_reports_help_and_shuffled_labels_do_not(
    synthetic: pd.DataFrame, shuffled: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    useful = mixtures(synthetic, real, holdout, [20], [0.0, 0.8])
    useless = mixtures(shuffled, real, holdout, [20], [0.0, 0.8])
    alone = mean(useful[0.0], top_k=6)
    assert alone == mean(useless[0.0], top_k=6)
    assert mean(useful[0.8], top_k=6) > alone + 0.05
    assert mean(useless[0.8], top_k=6) < alone


def test_mixtures_that_are_not_reached_have_no_cells(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    assert mixtures(synthetic, real, holdout, [81], [0.5]) == {}
    found = mixtures(synthetic, real, holdout, [20, 80], [0.5, 0.9])
    assert {cell["size"] for cell in found[0.9]} == {20}  # 80 would want 720
    uncoded = real.assign(codes=[[] for _ in range(80)])
    assert mixtures(synthetic, uncoded, holdout, [20], [0.5]) == {}


def test_the_order_of_rows_changes_nothing(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    one = mixtures(synthetic, real, holdout, [20], [0.5])
    backwards = synthetic.iloc[::-1], real.iloc[::-1]
    assert mixtures(*backwards, holdout, [20], [0.5]) == one


def test_a_real_coder_gives_shuffled_labels_back(
    synthetic: pd.DataFrame, shuffled: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    params = toy.params(sizes=[120], top_k=[6], seeds=[0, 1])
    rest = (real, holdout, params, toy.SPACE, 0, UNUSED)
    right, kept = modes.evaluate_relabelled(synthetic, *rest)
    mended, kept_of_shuffled = modes.evaluate_relabelled(shuffled, *rest)
    assert kept > 0.8 > 0.5 > kept_of_shuffled
    assert mean(right) == mean(mended) > 0.9  # their texts are the same, and so are new labels
    assert {cell["evaluation"] for cell in right} == {"unbiased"}


def test_codes_outside_of_the_label_space_stay(synthetic: pd.DataFrame, real: pd.DataFrame) -> None:
    more = synthetic.assign(codes=[[*codes, "Z99.1"] for codes in synthetic["codes"]])
    made, _ = modes.relabel(more, real, PARAMS, toy.SPACE, 0, UNUSED)
    assert all(codes[-1] == "Z99.1" for codes in made["codes"])
    assert {code for codes in made["codes"] for code in codes[:-1]} <= set(toy.SPACE)
    assert made["text"].tolist() == more["text"].tolist()
    assert synthetic["codes"].map(len).max() <= 3  # what came in is as it was


def test_reports_without_codes_are_not_added(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    uncoded = toy.reports(300, seed=9, prefix="u").assign(codes=[[] for _ in range(300)])
    more = pd.concat([uncoded, synthetic], ignore_index=True)
    assert mixtures(more, real, holdout, [20], [0.5]) == mixtures(
        synthetic, real, holdout, [20], [0.5]
    )


def public_answers(
    public: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame, shares: list[float]
) -> tuple[dict[str, Any], list[Judged]]:
    keeper = Keeper()
    rest = (holdout, PARAMS, toy.SPACE, 0, UNUSED, keeper)
    return evaluate_public(public, real, [20], shares, *rest), keeper.answers


def test_public_reports_stand_in_the_place_of_synthetic_ones(
    synthetic: pd.DataFrame, shuffled: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    """The same private reports, the same number of others: the others alone make a difference."""
    params = modes.Augment(real=[20], synthetic_shares=[0.0, 0.5, 0.8], relabelled=False)

    def told(made: pd.DataFrame, public: pd.DataFrame) -> dict[str, Any]:
        figures, answers = public_answers(public, real, holdout, params.synthetic_shares)
        assert list(figures) == ["public_share=0.5", "public_share=0.8"]  # 0 adds nothing
        by_step = modes.evaluate_modes(
            made, real, holdout, PARAMS, params, toy.SPACE, 0, UNUSED, answers
        )
        assert list(by_step["minus_public"]) == ["synthetic_share=0.8"]
        cell = by_step["mixed"]["synthetic_share=0.8"]["size=20"]["top_k=6"]
        of_public = figures["public_share=0.8"]["size=20"]["top_k=6"]
        assert cell["trained_reports"] == of_public["trained_reports"]
        found: dict[str, Any] = by_step["minus_public"]["synthetic_share=0.8"]["size=20"]["top_k=6"]
        for metric, one in found.items():
            apart = cell[metric]["mean"] - of_public[metric]["mean"]
            assert one["difference"]["mean"] == pytest.approx(apart, abs=1e-6)
        return found

    assert told(synthetic, synthetic)["macro_f1"]["p_value"] == 1  # control: the same reports
    better = told(synthetic, shuffled)["map"]
    assert better["difference"]["low"] > 0 and better["adjusted_p"] < 0.05


def test_too_small_a_public_seed_is_compared_with_nothing(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    few = toy.reports(30, seed=4, prefix="p")
    params = modes.Augment(real=[20], synthetic_shares=[0.5, 0.8], relabelled=False)
    figures, answers = public_answers(few, real, holdout, params.synthetic_shares)
    assert list(figures) == ["public_share=0.5"]  # 16 of them; .8 would take 64
    assert answers == []  # of the largest share alone
    rest = (PARAMS, params, toy.SPACE, 0, UNUSED, answers)
    assert set(modes.evaluate_modes(synthetic, real, holdout, *rest)) == {"mixed"}


def test_all_modes_in_the_form_of_the_summary(
    synthetic: pd.DataFrame, real: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    params = modes.Augment(real=[20], synthetic_shares=[0.5])
    found = modes.evaluate_modes(synthetic, real, holdout, PARAMS, params, toy.SPACE, 0, UNUSED)
    cell = found["mixed"]["synthetic_share=0.5"]["size=20"]["top_k=6"]
    assert cell["macro_f1"].keys() >= {"mean", "seed=0", "seed=1"}
    assert 0 < found["relabelled"]["kept_labels"] <= 1
    assert found["relabelled"]["size=60"]["top_k=3"]["map"]["mean"] > 0.5
    off = modes.Augment(real=[], relabelled=False)
    rest = (PARAMS, off, toy.SPACE, 0, UNUSED)
    assert modes.evaluate_modes(synthetic, real, holdout, *rest) == {"mixed": {}}
