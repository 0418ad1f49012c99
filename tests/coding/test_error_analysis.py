"""The figures of a step's coder beside a real one: what is in them, and what leaves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records
from synthfr.coding import error_analysis, evaluate_real, noise, summarise
from synthfr.coding.error_analysis import Coder, Errors
from synthfr.coding.grid import evaluate_grid
from synthfr.coding.kept import Keeper
from synthfr.coding.noise import CONCENTRATED, NO_NOISE, SPREAD, Noise, Point
from synthfr.coding.noise import trained as noise_trained
from synthfr.coding.summary import UNBIASED
from synthfr.errors import UserError
from synthfr.pipeline.nested import flatten
from tests.coding import toy
from tests.coding.errors.hand import limit

UNUSED = Path("the linear coder keeps nothing")
PARAMS = toy.params(sizes=[60, 120], top_k=[3, 6], seeds=[0, 1])
FEW = Errors(bins=3, resamples=50)


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return toy.reports(130, seed=1, prefix="real")


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return toy.reports(150, seed=2, prefix="h")


@pytest.fixture(scope="module")
def decided(real: pd.DataFrame, holdout: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    return noise.train_noisy(real, holdout, PARAMS, Noise(shares=[0.3, 0.6]), toy.SPACE, 0, UNUSED)


def analyse(
    synthetic: pd.DataFrame,
    real: pd.DataFrame,
    holdout: pd.DataFrame,
    decisions: pd.DataFrame,
    least: int = 5,
) -> dict[str, Any]:
    rest = (PARAMS, FEW, toy.SPACE, least, 0, UNUSED)
    return error_analysis.analyse(synthetic, real, holdout, decisions, *rest)


def test_decisions_of_every_point_and_seed(
    holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    table, told = decided
    records.validate(table, records.DECISIONS, "decisions")
    points = noise.decisions_of(table, holdout["report_id"].tolist(), toy.SPACE, [0, 1])
    shares = (0.3, 0.6)
    assert set(points) == {NO_NOISE} | {Point(h, s) for h in (SPREAD, CONCENTRATED) for s in shares}
    assert {len(seeds) for seeds in points.values()} == {2}
    assert len(table) == 5 * 2 * 150
    first = table[(table["share"] == 0) & (table["seed"] == 1)].set_index("report_id")["codes"]
    row = points[NO_NOISE][1][7]
    assert first[holdout["report_id"][7]] == [c for c, on in zip(toy.SPACE, row, strict=True) if on]
    assert (told["size"], told["labels"]) == (120, 6)
    f1 = [told["none"], told["spread"]["share=0.3"], told["spread"]["share=0.6"]]
    means = [one["macro_f1"]["mean"] for one in f1]
    assert means == sorted(means, reverse=True) and means[0] > means[2] + 0.1


def test_the_real_coder_is_that_of_the_reference(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    cells = evaluate_real(real, holdout, PARAMS, toy.SPACE, 0, UNUSED)
    reference = summarise(cells, PARAMS.decision_rule)["size=120"]["top_k=6"]["macro_f1"]
    assert decided[1]["none"]["macro_f1"]["mean"] == pytest.approx(reference["mean"])


def test_the_same_reports_make_the_same_errors(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    """A data set that is the real one: no difference anywhere, and no noise is named."""
    found = analyse(real, real, holdout, decided[0])
    assert found["noise"]["nearest"] == {"none": {"mean": 0.0, "low": None, "high": None}}
    assert found["noise"]["distance"]["none"]["total"] == 0
    for name in ("profile", "copying", "families"):
        assert found["real"][name] == found["synthetic"][name]
    for curve in found["curves"].values():
        assert all(bin is None or bin["real"] == bin["synthetic"] for bin in curve.values())


def test_shuffled_labels_are_told_from_a_real_coder(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    """Negative control: errors that no noise makes are far from all of it."""
    useless = real.assign(codes=np.random.default_rng(0).permutation(real["codes"]))
    found = analyse(useless, real, holdout, decided[0])
    curve = [one for one in found["curves"]["length"].values() if one]
    assert all(bin["real"] > bin["synthetic"] + 0.2 for bin in curve)
    told = found["noise"]
    assert [near["mean"] for near in told["nearest"].values()] == [0.6]  # the most there is
    assert told["distance"]["none"]["total"] > 0.4 and told["wins"]["none"] == 0


def test_what_leaves_are_numbers_of_many(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    found = analyse(toy.reports(130, 5, "s"), real, holdout, decided[0], least=10)
    flat = flatten(found)
    assert all(value is None or isinstance(value, int | float) for value in flat.values())
    counts = [value for name, value in flat.items() if name.endswith("/documents") and value]
    assert counts and min(counts) >= 10
    keys = "/".join(flat)
    assert not [code for code in toy.SPACE if code in keys]
    assert not [one for one in holdout["report_id"] if f"/{one}/" in keys]
    # all documents are too few: no class, no bin, whatever the total is
    none = flatten(analyse(toy.reports(130, 5, "s"), real, holdout, decided[0], least=151))
    assert all(value is None for name, value in none.items() if name.startswith("curves/"))
    assert all(value is None for name, value in none.items() if "copying" in name)
    assert all(value is None for name, value in none.items() if "families" in name)


def test_documents_of_few_patients_are_not_told(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    def told(patients_real: int, patients_holdout: int) -> set[str]:
        sides = [
            side.assign(patient_id=[f"p{row % n}" for row in range(len(side))])
            for side, n in ((real, patients_real), (holdout, patients_holdout))
        ]
        flat = flatten(analyse(real, *sides, decided[0]))
        private = ("curves/", "real/copying", "real/families")
        return {name for name, value in flat.items() if value is not None
                and name.startswith(private)}  # fmt: skip

    everything = told(130, 150)
    assert any("length" in name for name in everything)
    assert not told(130, 4)  # 150 documents of four patients
    assert {name for name in everything if "frequency" not in name} == told(4, 150)


def test_answers_that_were_kept_need_no_second_training(
    real: pd.DataFrame, holdout: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic, grids = (
        toy.reports(130, 5, "s"),
        PARAMS.model_copy(update={"evaluations": [UNBIASED]}),
    )
    kept = []
    for training in (synthetic, real):
        keeper = Keeper()
        evaluate_grid(training, holdout, grids, toy.SPACE, 0, UNUSED, keeper)
        kept.append(keeper.answers)
    no_noise = (Noise(shares=[]), toy.SPACE, 0, UNUSED)
    table, told = noise.train_noisy(real, holdout, PARAMS, *no_noise)
    found = analyse(synthetic, real, holdout, table)

    def trained(*_: object) -> None:
        raise AssertionError("a coder is trained")

    for module in (error_analysis, noise_trained):
        monkeypatch.setattr(module, "predict", trained)
    again, told_again = noise.train_noisy(real, holdout, PARAMS, *no_noise, kept[1])
    assert again.equals(table) and told_again == told
    rest = (PARAMS, FEW, toy.SPACE, 5, 0, UNUSED)
    assert error_analysis.analyse(synthetic, real, holdout, table, *rest, kept[0]) == found
    # negative control: those of another rule, and of fewer seeds, are of other coders
    for others in ([replace(one, rule="top_k_mean") for one in kept[0]], kept[0][:1]):
        with pytest.raises(AssertionError, match="a coder is trained"):
            error_analysis.analyse(synthetic, real, holdout, table, *rest, others)


def test_without_noise_there_is_no_noise_part(real: pd.DataFrame, holdout: pd.DataFrame) -> None:
    table, told = noise.train_noisy(real, holdout, PARAMS, Noise(shares=[]), toy.SPACE, 0, UNUSED)
    assert len(table) == 2 * 150 and set(told) == {"size", "labels", "equal_budget", "none"}
    assert "noise" not in analyse(real, real, holdout, table)


def test_finer_codes_have_families_by_category_too() -> None:
    truth = np.array([[1, 0], [0, 1]] * 10, dtype=bool)
    coder = Coder([~truth], truth)
    rest = (np.arange(20.0), np.array([10.0, 10]), np.array([10, 10]))
    for codes, levels in (
        (["E11.0", "E11.9"], {"chapter", "category"}),
        (["E11", "E78"], {"chapter"}),
    ):
        found = error_analysis.compare(
            truth, {"real": coder, "synthetic": coder}, {}, *rest, codes, FEW, limit(5, 20), 0
        )
        assert set(found["real"]["families"]) == levels


def test_private_reports_without_codes_are_refused(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    uncoded = real.assign(codes=[[] for _ in range(len(real))])
    with pytest.raises(UserError, match=r"^classify: fewer than two private train reports have"):
        analyse(real, uncoded, holdout, decided[0])
    with pytest.raises(UserError, match="learn from 120 reports, and there are only 90: lower"):
        analyse(real.head(90), real, holdout, decided[0])


@pytest.mark.parametrize("seeds", [[0, 1], [1, 0]])
def test_decisions_are_those_of_the_seed_that_learnt(seeds: list[int], real: pd.DataFrame) -> None:
    """Where the synthetic set is the real one, both coders are the same, whatever seed is first."""
    holdout = toy.reports(150, seed=2, prefix="h")
    how = PARAMS.model_copy(update={"seeds": seeds})
    table, _ = noise.train_noisy(real, holdout, how, Noise(shares=[]), toy.SPACE, 0, UNUSED)
    with pytest.raises(UserError, match=r"for the seed 7 of classify\.seeds: .*dvc repro noise"):
        noise.decisions_of(table, holdout["report_id"].tolist(), toy.SPACE, [0, 7])
    found = error_analysis.analyse(real, real, holdout, table, how, FEW, toy.SPACE, 1, 0, UNUSED)
    for part in ("profile", "copying", "families"):
        assert found["real"][part] == found["synthetic"][part]


def test_patients_with_several_reports_make_intervals_wider(
    real: pd.DataFrame, holdout: pd.DataFrame, decided: tuple[pd.DataFrame, dict[str, Any]]
) -> None:
    """Six reports of a patient are one copied six times: what is known is what one tells."""
    six = pd.concat([holdout.head(25)] * 6, ignore_index=True)
    six["report_id"] = holdout["report_id"]
    by_patient = six.assign(patient_id=[f"p{row % 25}" for row in range(150)])
    table, _ = noise.train_noisy(real, six, PARAMS, Noise(shares=[0.5]), toy.SPACE, 0, UNUSED)
    of_patients, of_reports = (
        analyse(toy.reports(120, 5), real, one, table, least=1) for one in (by_patient, six)
    )

    def width(found: dict[str, Any], *path: str) -> float:
        for name in path:
            found = found[name]
        return float(found["high"] - found["low"])

    for path in (
        ("synthetic", "length", "spearman"),
        ("synthetic", "copying", "true", "exact"),
    ):
        assert width(of_patients, *path) > 1.5 * width(of_reports, *path), path
    codes = ("synthetic", "frequency", "pearson")  # codes are drawn singly
    assert width(of_patients, *codes) == width(of_reports, *codes)
