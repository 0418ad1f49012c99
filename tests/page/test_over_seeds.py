"""Figures and tables over several seeds of the whole loop, on hand-computed values."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from synthfr.disk import write_json
from synthfr.errors import UserError
from synthfr.pipeline.page import over_seeds, seed_tables
from synthfr.pipeline.page.over_seeds import Comparison, ratio_of_means
from synthfr.pipeline.page.record import Record, parse, read

T_2 = 4.302652729911275  # Student's t, 97.5 %, 2 degrees of freedom
METRICS = ("macro_f1", "map")
CELL = "size=100/top_k=5"
VALUES = {  # the bare base is the better baseline in the first seed, step0 in the others
    "base": [0.6, 0.3, 0.4],
    "step0": [0.5, 0.4, 0.5],
    "dpo1": [0.75, 0.6, 0.7],
    "public_seed": [0.4, 0.4, 0.4],
    "private_train": [0.9, 0.8, 0.9],
}


def tree(**changes: Any) -> dict[str, Any]:
    """A record as the file holds it: one cell, every metric alike."""
    known: dict[str, Any] = {
        "seeds": [0, 1, 2],
        "steps": ["base", "step0", "dpo1"],
        "commit": "abc1234",
        "metrics": {metric: {CELL: VALUES} for metric in METRICS},
    }
    return copy.deepcopy(known | changes)


def record(cell: dict[str, list[float | None]] | None = None, **changes: Any) -> Record:
    if cell is not None:
        changes["metrics"] = {metric: {CELL: cell} for metric in METRICS}
    return parse(tree(**changes))


def only(record: Record, metric: str = "macro_f1") -> Comparison:
    (row,) = over_seeds.comparisons(record, metric)
    return row


class TestComparison:
    def test_the_gain_starts_from_the_better_baseline_of_each_seed(self) -> None:
        row = only(record())
        assert (row.size, row.top_k) == (100, 5)
        gains = (0.15 / 0.6, 0.2 / 0.4, 0.2 / 0.5)  # 0.25, 0.5, 0.4
        assert row.gain is not None
        assert row.gain.mean == pytest.approx(sum(gains) / 3)
        deviation = (sum((gain - sum(gains) / 3) ** 2 for gain in gains) / 2) ** 0.5
        assert row.gain.high - row.gain.mean == pytest.approx(T_2 * deviation / 3**0.5)
        assert row.better_baselines == {"base": 1, "step0": 2}

    def test_the_choice_by_seed_is_stricter_than_the_choice_by_mean(self) -> None:
        """Step0 is the better one by mean; over it alone the gain is larger."""
        by_seed, alone = only(record()).gain, only(record(steps=["step0", "dpo1"])).gain
        assert by_seed is not None and alone is not None
        assert alone.mean == pytest.approx((0.5 + 0.5 + 0.4) / 3)
        assert by_seed.mean < alone.mean

    def test_a_better_bare_base_lowers_the_gain(self) -> None:
        better = VALUES | {"base": [0.74, 0.59, 0.69]}
        gain, closed = only(record(better)).gain, only(record(better)).gap_closed
        assert gain is not None and gain.mean == pytest.approx((1 / 74 + 1 / 59 + 1 / 69) / 3)
        assert closed is not None and closed.mean == pytest.approx(0.03 / (0.16 + 0.21 + 0.21))

    def test_a_last_step_below_the_bare_base_is_a_loss(self) -> None:
        gain = only(record(VALUES | {"base": [0.8, 0.65, 0.75]})).gain
        assert gain is not None and gain.mean < 0

    def test_seeds_are_paired(self) -> None:
        """The same values in another order: the same mean difference, another interval."""
        paired = only(record()).minus("dpo1", "step0")
        shuffled = only(record(VALUES | {"step0": [0.4, 0.5, 0.5]})).minus("dpo1", "step0")
        assert paired is not None and shuffled is not None
        assert paired.mean == pytest.approx(shuffled.mean)
        differences = (0.25, 0.2, 0.2)
        deviation = (sum((one - 0.65 / 3) ** 2 for one in differences) / 2) ** 0.5
        assert paired.high - paired.mean == pytest.approx(T_2 * deviation / 3**0.5)
        assert shuffled.high - shuffled.mean > 2 * (paired.high - paired.mean)

    def test_nulls_leave_the_seeds_that_have_both(self) -> None:
        row = only(record(VALUES | {"best_of_n_sft": [None, 0.5, 0.5]}))
        difference = row.minus("dpo1", "best_of_n_sft")
        assert difference is not None
        assert (difference.mean, difference.n) == (pytest.approx(0.15), 2)
        assert difference.values == pytest.approx((0.1, 0.2)) and difference.low != difference.low
        assert row.minus("dpo1", "never_run") is None and row.mean("never_run") is None

    def test_a_seed_without_a_baseline_has_no_part_in_the_gain(self) -> None:
        """Not even over the other baseline, which would be easier to beat."""
        row = only(record(VALUES | {"base": [None, 0.3, 0.4]}))
        assert row.gain is not None and row.gain.n == 2
        assert row.gain.mean == pytest.approx((0.5 + 0.4) / 2)
        assert only(record(VALUES | {"base": [None] * 3})).gain is None

    def test_a_baseline_of_zero_has_no_relative_gain(self) -> None:
        """Nor has the mean over the other seeds, which the outcome would have chosen."""
        assert only(record(VALUES | {"base": [0.6, 0, 0], "step0": [0.5, 0, 0.5]})).gain is None

    def test_equal_steps_have_a_gain_whose_interval_holds_zero(self) -> None:
        same = VALUES | {"base": [0.1] * 3, "step0": [0.5] * 3, "dpo1": [0.52, 0.48, 0.5]}
        gain = only(record(same)).gain
        assert gain is not None and gain.low <= 0 <= gain.high


class TestGapClosed:
    def test_is_the_ratio_of_means(self) -> None:
        closed = only(record()).gap_closed
        assert closed is not None
        assert closed.mean == pytest.approx((0.15 + 0.2 + 0.2) / (0.3 + 0.4 + 0.4))
        assert closed.low < closed.mean < closed.high

    def test_fieller_limits_are_where_the_difference_is_just_not_significant(self) -> None:
        above, below = [0.15, 0.2, 0.25, 0.22], [0.3, 0.4, 0.42, 0.5]
        found = ratio_of_means(above, below)
        assert found is not None
        for limit in (found.low, found.high):
            left = [a - limit * b for a, b in zip(above, below, strict=True)]
            mean = sum(left) / 4
            error = (sum((one - mean) ** 2 for one in left) / 3 / 4) ** 0.5
            assert abs(mean) / error == pytest.approx(3.182446305284263)  # t, 3 degrees of freedom

    def test_one_tiny_gap_does_not_rule_the_mean(self) -> None:
        """The mean of ratios would be (5 * .5 - 100) / 6."""
        found = ratio_of_means([*[0.1] * 5, -0.01], [*[0.2] * 5, 0.0001])
        assert found is not None and found.mean == pytest.approx(0.49 / 1.0001)

    @pytest.mark.parametrize("gap", [[0.1, -0.1, 0.05], [-0.2, -0.2, -0.21], [0.0, 0.0, 0.0]])
    def test_no_clear_gap_has_no_share(self, gap: list[float]) -> None:
        assert ratio_of_means([0.1, 0.1, 0.1], gap) is None

    def test_two_seeds_have_their_shares_and_no_limits(self) -> None:
        found = ratio_of_means([0.1, 0.3], [0.4, 0.4])
        assert found is not None and found.mean == pytest.approx(0.5) and found.low != found.low
        assert found.values == pytest.approx((0.25, 0.75))
        assert ratio_of_means([0.1, 0.3], [0.5, -0.1]) is None

    def test_one_seed_has_no_limits(self) -> None:
        found = ratio_of_means([0.1], [0.4])
        assert found is not None and found.mean == pytest.approx(0.25) and found.low != found.low


class TestRecord:
    def test_an_old_record_can_be_read(self, tmp_path: Path) -> None:
        old = tree(steps=["step0", "dpo1"])
        del old["commit"]
        write_json(tmp_path / "seeds.json", old)
        found = read(tmp_path / "seeds.json")
        assert found is not None
        assert (found.controls, found.rules, found.faithfulness) == ({}, {}, {})
        assert seed_tables.grid(found, "macro_f1").head[4] == "dpo1 vs step0"
        assert (told := seed_tables.headline(found)) is not None
        assert told.startswith("Gain of dpo1 over step0, at 100 reports")
        assert read(tmp_path / "nowhere.json") is None

    def test_the_shipped_record_can_be_read(self) -> None:
        found = read(Path(__file__).parents[2] / "docs" / "seeds.json")
        assert found is not None and seed_tables.headline(found) is not None

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"seeds": [0, 1]}, "metrics/macro_f1/size=100/top_k=5/base holds 3 values for 2"),
            ({"steps": []}, "has no steps"),
            ({"metrics": {"macro_f1": {"size=all": VALUES}}}, "'size=all' is no cell"),
            ({"faithfulness": {"code_recall": {"dpo1": [0.9]}}}, "code_recall/dpo1 holds 1 values"),
        ],
    )
    def test_a_broken_one_says_where(self, changes: dict[str, Any], told: str) -> None:
        with pytest.raises(UserError, match=told):
            parse(tree(**changes))

    def test_an_empty_list_was_never_measured(self) -> None:
        row = only(record(VALUES | {"public_seed": []}))
        assert row.mean("public_seed") is None


CONTROLS = {"best_of_n_sft": "best-of-4 SFT", "shuffled_scores": "shuffled scores"}
FAITHFULNESS = {
    "code_recall": {"base": [0.5] * 3, "dpo1": [0.9, 0.9, None], "best_of_n_sft": [0.8] * 3},
    "wrong_codes": {"dpo1": [None] * 3},
    "hospital_share": {"dpo1": [0.25, 0.3, 0.35]},
}
CONTROLLED = VALUES | {"best_of_n_sft": [0.7, 0.5, 0.6], "shuffled_scores": [0.5, None, None]}


class TestTables:
    def test_the_grid_says_the_gain_with_its_interval(self) -> None:
        table = seed_tables.grid(record(), "macro_f1")
        assert table.head == [
            *("reports", "top k", "bare base", "step0", "dpo1"),
            "dpo1 vs the better of bare base and step0",
            *("public seed", "private train", "gap closed"),
        ]
        assert table.rows[0][5].startswith("+38.3 % [+7.")
        one = parse(
            tree(
                seeds=[0],
                metrics={"map": {CELL: {name: some[:1] for name, some in VALUES.items()}}},
            )
        )
        assert list(seed_tables.grid(one, "map").rows[0][2:]) == [
            *(".600", ".500", ".750", "+25.0 %", ".400", ".900", "+50.0 %")
        ]

    def test_two_seeds_are_told_as_their_values(self) -> None:
        """t of two values is 12.7: an interval would say ".550 ± .635"."""
        cell = {name: some[:2] for name, some in VALUES.items()}
        two = parse(tree(seeds=[0, 1], metrics={metric: {CELL: cell} for metric in METRICS}))
        row = seed_tables.grid(two, "macro_f1").rows[0]
        assert list(row[2:]) == [
            *("n = 2: .600, .300", "n = 2: .500, .400", "n = 2: .750, .600"),
            *("n = 2: +25.0 %, +50.0 %", "n = 2: .400, .400", "n = 2: .900, .800"),
            "n = 2: +50.0 %, +50.0 %",
        ]
        told = str(seed_tables.headline(two))
        assert "(2 seeds of the whole loop: no interval)" in told and "±" not in told
        differences = seed_tables.differences(two, "macro_f1")
        assert differences is not None and differences.rows[0][1] == "n = 2: +.350, +.200"
        assert "± .379" in seed_tables.grid(record(), "macro_f1").rows[0][2]  # control: three

    def test_a_mean_of_fewer_seeds_says_how_many(self) -> None:
        rows = seed_tables.grid(record(VALUES | {"public_seed": [0.4, 0.4, None]}), "macro_f1").rows
        assert rows[0][6] == "n = 2: .400, .400"
        rows = seed_tables.grid(record(VALUES | {"public_seed": [None] * 3}), "macro_f1").rows
        assert rows[0][6] == "–" and rows[0][8] != "–"

    def test_cells_are_sorted_by_size_and_those_without_a_step_left_out(self) -> None:
        cells = {f"size={size}/top_k=5": VALUES for size in (1000, 250)}
        cells["size=2000/top_k=5"] = {name: [None] * 3 for name in VALUES}
        found = parse(tree(metrics={"macro_f1": cells}))
        assert [row[0] for row in seed_tables.grid(found, "macro_f1").rows] == ["250", "1000"]
        largest = over_seeds.largest(found)
        assert largest is not None and largest.size == 1000

    def test_the_kept_coder_has_a_table_of_its_own(self) -> None:
        kept = VALUES | {"dpo1": [0.65, 0.5, 0.5], "public_seed": [0.5, 0.5, 0.4]}
        found = record(kept={"macro_f1": {CELL: kept}})
        table = seed_tables.kept_coder(found)
        assert table is not None and "PLM-ICD" in table.title
        assert [row[0] for row in table.rows] == [
            *("bare base", "step0", "dpo1", "public seed", "private train")
        ]
        assert table.rows[2][1].startswith(".550 ±")
        assert table.rows[3][2].startswith("+.083 [")  # .15, 0, .1
        assert seed_tables.kept_coder(record()) is None

    @pytest.mark.parametrize(("values", "shown"), [([0.5, 0.4, 0.4], True), ([None] * 3, False)])
    def test_it_has_the_controls_that_it_was_trained_for(
        self, values: list[float | None], shown: bool
    ) -> None:
        kept = VALUES | {"wrong_document": values}
        controls = {"wrong_document": "another document"}
        table = seed_tables.kept_coder(record(kept={"macro_f1": {CELL: kept}}, controls=controls))
        assert table is not None
        assert ("another document" in [row[0] for row in table.rows]) is shown

    def test_controls_stand_between_steps_and_references(self) -> None:
        table = seed_tables.controls(
            record(CONTROLLED, controls=CONTROLS, faithfulness=FAITHFULNESS)
        )
        assert table is not None and table.title == "100 reports, top 5"
        assert table.head == [
            *("run", "macro-F1", "mAP", "code recall", "ward phrases", "dpo1 minus this"),
            "seeds",
        ]
        rows = {row[0]: list(row[1:]) for row in table.rows}
        assert list(rows) == [
            *("bare base", "step0", "dpo1", "best-of-4 SFT", "shuffled scores"),
            *("public seed", "private train"),
        ]
        assert rows["bare base"][2:4] == [".500 ± .000", "–"]
        assert rows["dpo1"][2:] == ["n = 2: .900, .900", ".300 ± .124", "–", "3"]
        assert rows["best-of-4 SFT"][4] == "+.083 [+.012, +.155]"  # .05, .1, .1
        assert rows["shuffled scores"] == [".500", ".500", "–", "–", "+.250", "1"]

    def test_paired_tests_stand_in_the_place_of_plain_differences(self) -> None:
        def one(mean: float, adjusted_p: float | None) -> dict[str, Any]:
            limits = {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}
            return {"difference": limits, "p_value": 0.01, "adjusted_p": adjusted_p, "seeds": 3}

        tests = {
            "cell": CELL,
            "metrics": {
                "macro_f1": {"best_of_n_sft": one(0.08, 0.03), "best_baseline": one(0.2, 0.001)},
                "map": {"best_of_n_sft": one(0.07, 0.06), "best_baseline": one(0.1, None)},
            },
        }
        table = seed_tables.controls(record(CONTROLLED, controls=CONTROLS, tests=tests))
        assert table is not None
        assert table.head == [
            *("run", "macro-F1", "mAP", "macro-F1 over the better of bare base and step0"),
            "macro-F1, dpo1 minus this (* p < .05, Holm)",
            "mAP, dpo1 minus this (* p < .05, Holm)",
            "seeds",
        ]
        rows = {row[0]: list(row[3:]) for row in table.rows}
        gain = "+20.6 % [+10.1 %, +31.0 %]"  # .7, .5, .6 over .6, .4, .5: 16.7, 25 and 20 %
        assert rows["best-of-4 SFT"] == [
            gain,
            "+.080 [+.060, +.100] *",
            "+.070 [+.050, +.090]",
            "3",
        ]
        assert rows["dpo1"] == ["+38.3 % [+7.1 %, +69.6 %]", "–", "–", "3"]
        assert rows["bare base"][:1] == ["–"] and rows["bare base"][1].startswith("+.250 [")
        assert rows["the better of bare base and step0, seed by seed"] == [
            *("–", "+.200 [+.180, +.220] *", "+.100 [+.080, +.120]", "3"),
        ]
        other = tests | {"cell": "size=50/top_k=5"}
        plain = seed_tables.controls(record(CONTROLLED, controls=CONTROLS, tests=other))
        assert plain == seed_tables.controls(record(CONTROLLED, controls=CONTROLS))

    def test_a_control_as_good_as_the_last_step_has_an_interval_that_holds_zero(self) -> None:
        equal = VALUES | {"best_of_n_sft": [0.74, 0.61, 0.7]}
        table = seed_tables.controls(record(equal, controls=CONTROLS))
        assert table is not None
        rows = {row[0]: row for row in table.rows}
        assert rows["best-of-4 SFT"][3] == "+.000 [-.025, +.025]"
        assert list(rows["shuffled scores"][1:]) == ["–", "–", "–", "–"]  # not run

    def test_overlap_with_private_text_is_compared_with_the_first_trained_step(self) -> None:
        overlap = {
            "shares_with_train": {"step0": [0.1, 0.1, 0.1], "dpo1": [0.2, 0.2, 0.2]},
            "longest_run_gap": {
                "base": [0.0, 0.0, 0.0],
                "step0": [0.0, 0.1, 0.2],
                "dpo1": [0.1, 0.2, 0.3],
                "best_of_n_sft": [0.0, None, None],
            },
        }
        table = seed_tables.privacy(record(controls=CONTROLS, privacy=overlap))
        assert table is not None
        assert table.head[-2:] == ["the same minus step0's", "seeds"]
        rows = {row[0]: list(row[1:]) for row in table.rows}
        assert list(rows) == ["bare base", "step0", "dpo1", "best-of-4 SFT"]  # none of the others
        assert rows["dpo1"] == [
            *(".200 ± .000", "–", ".200 ± .248", "+.100 [+.100, +.100]", "3"),
        ]
        assert rows["step0"][3] == "–" and rows["bare base"][4] == "3"
        assert rows["best-of-4 SFT"][2:] == [".000", "+.000", "1"]
        assert seed_tables.privacy(record()) is None

    def test_the_headline_names_the_gain_over_the_public_seed(self) -> None:
        told = seed_tables.headline(record())
        assert told is not None
        mean = (0.35 + 0.2 + 0.3) / 0.4 / 3  # of .75, .6, .7 over .4
        over = "Over the same coder trained on the public seed: macro-F1"
        assert f" {over} +{100 * mean:.1f} %" in told
        without = seed_tables.headline(record(VALUES | {"public_seed": [None] * 3}))
        assert without is not None and "public seed" not in without

    def test_the_headline_has_the_range_over_the_decision_rules(self) -> None:
        lower = {name: [value - 0.1 for value in some] for name, some in VALUES.items()}
        told = seed_tables.headline(record(rules={"top_k_mean": {CELL: lower}}))
        low, high = (0.25 + 0.5 + 0.4) / 3, (0.15 / 0.5 + 0.2 / 0.3 + 0.2 / 0.4) / 3
        assert told is not None
        assert told.startswith(
            "Gain of dpo1 over the better of bare base and step0, seed by seed (the better one: "
            "bare base in 1, step0 in 2 of 3), at 100 reports and top 5: macro-F1 +38.3 % [+7."
        )
        assert (
            "(95 % intervals over 3 seeds of the whole loop); under the 2 decision rules macro-F1 "
            f"gains from +{100 * low:.1f} % (the chosen rule) to +{100 * high:.1f} % (top_k_mean). "
        ) in told
        assert told.endswith(" Commit abc1234.")
        without = seed_tables.headline(record())
        assert without is not None and "decision rule" not in without

    def test_a_last_step_that_was_not_measured_has_no_headline(self) -> None:
        missing = record(VALUES | {"dpo1": [None] * 3})
        assert seed_tables.headline(missing) is None and seed_tables.controls(missing) is None
        assert seed_tables.differences(missing, "map") is None

    def test_differences_from_step_to_step(self) -> None:
        table = seed_tables.differences(record(), "macro_f1")
        assert table is not None
        assert [row[0] for row in table.rows] == [
            *("dpo1 minus public seed", "step0 minus bare base", "dpo1 minus step0")
        ]
        assert table.rows[1][1].startswith("+.033 [-.")  # -.1, .1, .1
