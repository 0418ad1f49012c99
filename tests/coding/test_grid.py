"""The grid: useful data teach, shuffled labels do not, and the order of rows changes nothing."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthfr import icd10
from synthfr.coding import counting, decisions, evaluate_grid, evaluate_real, labels, summarise
from synthfr.coding.judged import Judged
from synthfr.coding.metrics import f1, mean_average_precision
from synthfr.coding.metrics.decided import NAMES
from synthfr.coding.parts import Parts
from synthfr.coding.sampling import Split, shuffled_rows
from synthfr.errors import UserError
from tests.coding import toy

UNUSED = Path("the linear coder keeps nothing")


@pytest.fixture(scope="module")
def training() -> pd.DataFrame:
    return toy.reports(120, seed=1, prefix="t")


@pytest.fixture(scope="module")
def holdout() -> pd.DataFrame:
    return toy.reports(150, seed=2, prefix="h")


@pytest.fixture(scope="module")
def cells(training: pd.DataFrame, holdout: pd.DataFrame) -> list[dict[str, object]]:
    return evaluate_grid(training, holdout, toy.params(), toy.SPACE, random_seed=0, scratch=UNUSED)


def test_every_cell_is_there_once(cells: list[dict[str, object]]) -> None:
    names = ("size", "top_k", "seed", "evaluation", "rule")
    found = [tuple(cell[name] for name in names) for cell in cells]
    expected = itertools.product(
        [60, 120], [3, 6], [0, 1, 2], ["unbiased", "original"], decisions.RULES
    )
    assert sorted(found) == sorted(expected)


def test_summary_has_means_intervals_and_seeds(cells: list[dict[str, object]]) -> None:
    summary = summarise(cells, "global_threshold")
    assert set(summary) == {"size=60", "size=120"}
    place = summary["size=120"]["top_k=3"]
    figure = place["macro_f1"]
    assert figure["low"] <= figure["mean"] <= figure["high"]
    assert figure["mean"] == pytest.approx(np.mean([figure[f"seed={seed}"] for seed in (0, 1, 2)]))
    assert {"macro_f1", "micro_f1", "map", "f1_at_3", "f1_at_5", "hamming_loss"} <= set(place)
    assert {"macro_f1_present", "map_document", "auc_macro", "auc_micro"} <= set(place)
    wide = summary["size=120"]["top_k=6"]
    assert "recall_at_5" in wide and "recall_at_8" not in wide  # there are six labels
    assert "recall_at_5" not in place  # three
    assert set(place["rules"]) == set(decisions.RULES) - {"global_threshold"}
    assert place["original"]["macro_f1"]["mean"] > 0
    other = summarise(cells, "top_k_mean")["size=120"]["top_k=3"]
    assert other["macro_f1"]["mean"] == place["rules"]["top_k_mean"]["macro_f1"]["mean"]


def test_the_originals_own_rule_is_told_of_its_evaluation(cells: list[dict[str, object]]) -> None:
    of_original = [
        cell["macro_f1"]
        for cell in cells
        if (cell["size"], cell["top_k"]) == (120, 3)
        and (cell["evaluation"], cell["rule"]) == ("original", "fixed_threshold")
    ]
    for rule in decisions.RULES:
        told = summarise(cells, rule)["size=120"]["top_k=3"]["original"]
        if rule != "fixed_threshold":
            assert set(told["rules"]) == {"fixed_threshold"}  # of the other rules nothing
            told = told["rules"]["fixed_threshold"]
        else:
            assert "rules" not in told
        assert told["macro_f1"]["mean"] == pytest.approx(np.mean(of_original))
        assert set(NAMES) <= set(told)  # every metric of decisions, whatever the rule
        counted = {(one["evaluation"], one["rule"]) for one, _ in counting(cells, rule)}
        assert counted == {("unbiased", rule), ("original", "fixed_threshold")}
    only = [cell for cell in cells if cell["evaluation"] == "unbiased"]  # the control
    assert "original" not in summarise(only, "global_threshold")["size=120"]["top_k=3"]


def test_kept_answers_are_those_that_were_judged(
    training: pd.DataFrame, holdout: pd.DataFrame, cells: list[dict[str, object]]
) -> None:
    """Every metric can be had from them again; the ids are those of the reports, also where the
    original's rule drops some.
    """
    kept: list[Judged] = []
    again = evaluate_grid(
        training, holdout, toy.params(), toy.SPACE, 0, scratch=UNUSED, keep=kept.append
    )
    assert again == cells  # keeping changes nothing
    assert len(kept) == len(cells) / len(decisions.RULES)
    codes = dict(zip(holdout["report_id"], holdout["codes"], strict=True))
    for one in kept:
        (cell,) = [
            cell
            for cell in cells
            if all(cell[name] == getattr(one, name)
                   for name in ("size", "top_k", "seed", "evaluation", "rule"))
        ]  # fmt: skip
        assert f1(one.truth, one.decided)["macro_f1"] == cell["macro_f1"]
        assert mean_average_precision(one.truth, one.scores) == cell["map"]
        assert len(one.document_ids) == cell["evaluated_reports"]
        for document, row in zip(one.document_ids, one.truth, strict=True):
            known = {icd10.category(code) for code in codes[document]}
            assert {one.label_space[label] for label in np.flatnonzero(row)} <= known
    with pytest.raises(ValueError, match="arrays of shapes"):
        replace(kept[0], document_ids=("h1",))


def test_the_first_rows_where_the_sample_is_not_drawn(
    training: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    """What stands below the first 60 rows changes nothing, unless the sample is drawn."""
    others = pd.concat([training.head(60), toy.reports(60, 9, "o")], ignore_index=True)
    seen: dict[str, list[object]] = {}
    for sample in ("first", "drawn"):
        params = toy.params(sizes=[60], top_k=[6], sample=sample)
        for name, reports in (("these", training), ("others", others)):
            cells = evaluate_grid(reports, holdout, params, toy.SPACE, 0, scratch=UNUSED)
            seen[f"{sample} {name}"] = [cell["macro_f1"] for cell in cells]
    assert seen["first these"] == seen["first others"]
    assert seen["drawn these"] != seen["drawn others"]
    backwards = training.iloc[::-1]
    params = toy.params(sizes=[60], top_k=[6], sample="first")
    cells = evaluate_grid(backwards, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    assert [cell["macro_f1"] for cell in cells] != seen["first these"]  # other rows are first
    seeds = {str([c["macro_f1"] for c in cells if c["seed"] == seed]) for seed in (0, 1, 2)}
    assert len(seeds) == 3  # each draws another validation part


def test_the_published_label_rule_by_hand(training: pd.DataFrame, holdout: pd.DataFrame) -> None:
    """Codes cut to three characters, the k most frequent of the training sample, in the report's
    own order at most `max_labels` of them; a report without any is dropped on either side.
    """
    codes = [["I10", "E11.9"]] * 3 + [["E11.0", "E11.9", "J18.9"]] * 2 + [["Z99"]] * 1
    known = labels.categories([*codes, ["J18.9", "I10", "E11.9"], ["N17.9"], ["Z99"]])
    space = icd10.label_space(known[:6], 2)
    assert space == ["E11", "I10"]  # five reports, two of which have two such codes; three
    split, test = Split(fit=np.arange(6), validation=np.arange(0)), np.arange(6, 9)
    exported = ["I10", "E11", "Z99"]
    parts = Parts.original(known, split, test, exported, 2, 1)
    assert parts.fit.tolist() == [0, 1, 2, 3, 4]  # Z99 is dropped
    assert parts.fit_truth.tolist() == [[False, True]] * 3 + [[True, False]] * 2
    assert parts.test.tolist() == [6]
    assert parts.test_truth.tolist() == [[False, True]]  # I10 stands before E11; J18 is outside
    assert parts.fit_drawn.tolist() == list(range(6)) and parts.test_drawn.tolist() == [6, 7, 8]
    wide = Parts.original(known, split, test, exported, 2, 10)
    assert wide.test_truth.tolist() == [[True, True]]
    # a category that was not exported is none of the k
    assert Parts.original(known, split, test, ["Z99", "I10"], 2, 10).space == ("I10", "Z99")
    unbiased = Parts.unbiased(known, split, test, space)  # the control: nothing is dropped
    assert len(unbiased.fit) == 6 and len(unbiased.test) == 3


def test_useful_data_teach_and_shuffled_labels_do_not(
    training: pd.DataFrame, holdout: pd.DataFrame, cells: list[dict[str, object]]
) -> None:
    """Negative control: the same texts with another report's codes."""
    useful = summarise(cells, "global_threshold")["size=120"]["top_k=6"]
    shuffled = training.assign(codes=np.random.default_rng(0).permutation(training["codes"]))
    params = toy.params(sizes=[120], top_k=[6])
    controls = evaluate_grid(shuffled, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    useless = summarise(controls, "global_threshold")["size=120"]["top_k=6"]
    assert useful["macro_f1"]["mean"] > 0.8
    assert useful["map"]["mean"] > 0.9
    assert useless["macro_f1"]["mean"] < 0.55  # about what predicting everything gives
    assert useless["map"]["mean"] < 0.5


def test_more_data_teach_more(cells: list[dict[str, object]]) -> None:
    summary = summarise(cells, "global_threshold")
    assert (
        summary["size=120"]["top_k=6"]["map"]["mean"] > summary["size=60"]["top_k=6"]["map"]["mean"]
    )


def test_order_of_rows_does_not_matter(training: pd.DataFrame, holdout: pd.DataFrame) -> None:
    params = toy.params(seeds=[1], sizes=[60])
    one = evaluate_grid(training, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    shuffled = training.sample(frac=1, random_state=5)
    assert one == evaluate_grid(shuffled, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    assert one != evaluate_grid(
        training, holdout, params, toy.SPACE, 9, scratch=UNUSED
    )  # another random_seed


def test_samples_are_nested_and_differ_between_seeds() -> None:
    ids = [f"r{number}" for number in range(50)]
    assert shuffled_rows(ids, 0, 1).tolist() != shuffled_rows(ids, 0, 2).tolist()
    fewer = [ids[row] for row in shuffled_rows(ids[:40], 0, 1)]
    assert [ids[row] for row in shuffled_rows(ids, 0, 1) if row < 40] == fewer


def test_original_drops_reports_and_unbiased_does_not(
    holdout: pd.DataFrame, cells: list[dict[str, object]]
) -> None:
    summary = summarise(cells, "global_threshold")["size=120"]["top_k=3"]
    frequent = {"I10", "E11.9", "J18.9"}
    kept = sum(bool(frequent & set(codes)) for codes in holdout["codes"])
    assert summary["evaluated_reports"]["mean"] == 150
    assert summary["original"]["evaluated_reports"]["mean"] == kept < 150
    assert summary["original"]["trained_reports"]["mean"] < summary["trained_reports"]["mean"] == 96


def test_dropping_hides_false_positives(training: pd.DataFrame) -> None:
    """Why the original's rule is not the one that counts: reports without a label cost nothing."""
    unlabelled = toy.reports(100, 3, "u").assign(codes=[["Z99"]] * 100)  # they look like the others
    holdout = pd.concat([toy.reports(100, 4, "h"), unlabelled], ignore_index=True)
    params = toy.params(sizes=[120], top_k=[6])
    place = summarise(
        evaluate_grid(training, holdout, params, toy.SPACE, 0, scratch=UNUSED), "global_threshold"
    )
    place = place["size=120"]["top_k=6"]
    assert place["original"]["macro_precision"]["mean"] > place["macro_precision"]["mean"] + 0.2


def test_max_labels_caps_the_original_only(training: pd.DataFrame, holdout: pd.DataFrame) -> None:
    params = toy.params(sizes=[120], top_k=[6], seeds=[0, 1])
    free = evaluate_grid(training, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    params = toy.params(sizes=[120], top_k=[6], seeds=[0, 1], max_labels=1)
    capped = evaluate_grid(training, holdout, params, toy.SPACE, 0, scratch=UNUSED)
    for one, other in zip(free, capped, strict=True):
        assert (one == other) is (one["evaluation"] == "unbiased")


def test_too_few_reports(training: pd.DataFrame, holdout: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="121 reports, and there are only 120: lower"):
        evaluate_grid(training, holdout, toy.params(sizes=[121]), toy.SPACE, 0, scratch=UNUSED)
    with pytest.raises(UserError, match=r"keywords\.min_documents"):
        evaluate_grid(training, holdout, toy.params(), [], 0, scratch=UNUSED)


def test_no_common_codes(training: pd.DataFrame, holdout: pd.DataFrame) -> None:
    foreign = training.assign(codes=[["Z99"]] * len(training))
    with pytest.raises(UserError, match="one code system"):
        evaluate_grid(foreign, holdout, toy.params(), toy.SPACE, 0, scratch=UNUSED)


def test_reference_has_no_size_that_it_does_not_reach(
    training: pd.DataFrame, holdout: pd.DataFrame
) -> None:
    uncoded = toy.reports(40, 7, "n").assign(codes=[[] for _ in range(40)])
    real = pd.concat([training.head(90), uncoded], ignore_index=True)
    cells = evaluate_real(
        real, holdout, toy.params(sizes=[60, 90, 91, 500]), toy.SPACE, 0, scratch=UNUSED
    )
    summary = summarise(cells, "global_threshold")
    assert set(summary) == {"size=60", "size=90"}  # 130 reports, 90 of them coded
    trained = [summary[size]["top_k=6"]["trained_reports"]["mean"] for size in sorted(summary)]
    assert trained == [48, 72]  # 80 %
    assert evaluate_real(real, holdout, toy.params(sizes=[91]), toy.SPACE, 0, scratch=UNUSED) == []
    assert evaluate_real(uncoded, holdout, toy.params(), toy.SPACE, 0, scratch=UNUSED) == []
