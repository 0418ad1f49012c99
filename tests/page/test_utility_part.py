"""The page's tables on utility beyond the grid."""

import json
from pathlib import Path

from synthfr.pipeline.page import utility_part
from synthfr.pipeline.page.measured import Measured

STEPS = ("step0", "dpo1")


def interval(mean: float, half: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def difference(mean: float, half: float, p_value: float) -> dict[str, object]:
    return {"difference": interval(mean, half), "p_value": p_value, "adjusted_p": p_value}


COMPARED = {
    "size": 100,
    "top_k": 9,
    "differences": {
        "dpo1 - step0": {"macro_f1": difference(0.2, 0.1, 0.01), "map": difference(0.1, 0.2, 0.3)},
        "dpo1 - private_train": {"macro_f1": difference(-0.1, 0.05, 0.01)},
    },
    "bands": {
        "dpo1": {
            "frequent": {"macro_f1": interval(0.9, 0.1), "fewest_documents": 50},
            "rare": {"macro_f1": interval(0.5, 0.1), "fewest_documents": 5},
        }
    },
}
BY_TOP_K = {
    f"top_k={k}": {"macro_f1": interval(f1, 0.05), "trained_reports": {"mean": 128.0}}
    for k, f1 in ((5, 0.1), (10, 0.75))
}
MINUS = {"size=40": {"top_k=10": {"macro_f1": difference(0.25, 0.1, 0.01)}}}
AUGMENTED = {
    "mixed": {"synthetic_share=0.75": {"size=40": BY_TOP_K}},
    "minus_public": {"synthetic_share=0.75": MINUS},
    "relabelled": {"size=9": {"top_k=5": {"macro_f1": {"mean": 0.25}}}, "kept_labels": 0.5},
}
REFERENCE = {
    "mixed_public": {
        "public_share=0.75": {"size=40": {"top_k=10": {"macro_f1": interval(0.5, 0.1)}}}
    }
}
ERRORS = {
    "noise": {
        "nearest": {"spread": {"mean": 0.5, "low": 0.4, "high": 0.8}},
        "distance": {
            "none": {"total": 0.5},
            "spread": {"share=0.5": {"total": 0.125}, "share=0.8": {"total": 0.3}},
            "concentrated": {"share=0.5": {"total": 0.25}, "share=0.8": {"total": 0.3}},
        },
        "kind": {"none": 0.0, "spread": 0.96, "concentrated": 0.04},
        "own": 0.0625,
    },
}


def tables(folder: Path, files: dict[str, object]) -> dict[str, dict[str, list[str]]]:
    """First word of a caption -> row -> cells."""
    for name, tree in files.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(tree), encoding="utf-8")
    found = utility_part.load(Measured(folder, Path.is_file), STEPS)
    return {title.split()[0]: {name: list(cells) for name, cells in table.rows}
            for title, table in found}  # fmt: skip


def test_what_was_measured_is_told(tmp_path: Path) -> None:
    files = {"compare": COMPARED, "augment/dpo1": AUGMENTED, "errors/dpo1": ERRORS}
    found = tables(tmp_path, files | {"reference": REFERENCE})
    assert found["Differences"] == {
        "dpo1 minus step0": ["+.200 [+.100, +.300] *", "+.100 [-.100, +.300]"],
        "dpo1 minus private train": ["-.100 [-.150, -.050] *", "–"],
    }
    assert found["Macro-F1"] == {"dpo1": [".500 [.400, .600]", ".900 [.800, 1.000]"]}
    private = found["Private"]
    assert private == {  # of the larger top k
        "40 private, 75 % added (fitted on 32 + 96)": ["–", "0.750 ± 0.050", "0.500 ± 0.100"],
        "the same, 75 %: this step's minus public reports": ["–", "+.250 [+.150, +.350] *", "–"],
        "synthetic alone, labelled anew by a real coder": ["–", "0.250", "–"],
        "the same: labels that stay (Jaccard)": ["–", "0.50", "–"],
    }


def test_differences_to_public_reports_are_corrected_over_steps(tmp_path: Path) -> None:
    """Each stage has corrected over its own metrics alone."""

    def marked(step0: float, dpo1: float) -> list[bool]:
        files: dict[str, object] = {"reference": REFERENCE}
        for step, p_value in (("step0", step0), ("dpo1", dpo1)):
            tested = {"macro_f1": difference(0.25, 0.1, p_value), "map": {"p_value": None}}
            minus = {"synthetic_share=0.75": {"size=40": {"top_k=10": tested}}}
            files[f"augment/{step}"] = AUGMENTED | {"minus_public": minus}
        row = tables(tmp_path, files)["Private"]["the same, 75 %: this step's minus public reports"]
        return [cell.endswith("*") for cell in row[:2]]

    assert marked(0.9, 0.03) == [False, False]
    assert marked(0.02, 0.03) == [True, True]
    assert marked(0.9, 0.02) == [False, True]


def noise(folder: Path, kind: str, share: object, **more: object) -> list[str]:
    """What the page says of the second step's kind, its wins and its share."""
    told = ERRORS["noise"] | {"nearest": {kind: share}}
    found = tables(folder, {"errors/dpo1": ERRORS | {"noise": told}, **more})["Noise"]
    assert found["how far its coder is from the step's"] == ["–", "0.125"]
    rows = ("its kind", "resamples that name this kind", "its share")
    return [found.get(name, ["–", "–"])[1] for name in rows]


def test_noise_is_named_by_its_kind_in_its_own_unit(tmp_path: Path) -> None:
    share = {"mean": 0.5, "low": 0.4, "high": 0.6}
    assert noise(tmp_path, "spread", share) == ["spread", "96 %", ".5 [.4, .6] of the words"]
    of_reports = ["concentrated", "4 %", ".5 [.4, .6] of the reports"]
    assert noise(tmp_path, "concentrated", share) == of_reports
    budget = {"noise": {"equal_budget": 1}}
    of_words = noise(tmp_path, "concentrated", share, **budget)
    assert of_words == [*of_reports[:2], ".5 [.4, .6] of the words"]
    none = {"mean": 0.0, "low": None, "high": None}
    assert noise(tmp_path, "none", none) == ["none", "0 %", "–"]
    never = {"mean": 0.5, "low": None, "high": None}  # it won in no resample
    assert noise(tmp_path, "concentrated", never, **budget)[2] == ".5 of the words"


def test_the_largest_noise_that_was_tried_may_not_be_enough(tmp_path: Path) -> None:
    share = {"mean": 0.8, "low": 0.8, "high": 0.8}
    assert noise(tmp_path, "spread", share)[2] == "at least .8 [.8, .8] of the words"


def test_other_seeds_are_told_of_only_where_their_table_is(tmp_path: Path) -> None:
    (tmp_path / "compare.json").write_text(json.dumps(COMPARED), encoding="utf-8")
    measured = Measured(tmp_path, Path.is_file)
    told = {
        shown: utility_part.load(measured, STEPS, over_seeds=shown)[0][0] for shown in (True, False)
    }
    assert "other seeds of the generator stand above" in told[True]
    assert "above" not in told[False] and "are not in these limits" in told[False]


def test_metrics_of_the_field_of_the_largest_cell(tmp_path: Path) -> None:
    cell = {"micro_f1": interval(0.7, 0.01), "map_document": interval(0.9, 0.02), "labels": 9}
    small = {"micro_f1": interval(0.1, 0.01)}
    files = {
        "classify/dpo1": {"size=100": {"top_k=9": cell, "top_k=5": small}},
        "reference": {"private_train": {"size=100": {"top_k=9": {"micro_f1": {"mean": 0.95}}}}},
    }
    found = tables(tmp_path, files)["Metrics"]
    assert found == {  # what was not measured has no row
        "micro-F1": ["–", ".700 ± .010", "–", ".950"],
        "mAP per document": ["–", ".900 ± .020", "–", "–"],
    }


def test_bands_stand_in_the_order_of_the_steps(tmp_path: Path) -> None:
    bands = {name: COMPARED["bands"]["dpo1"] for name in ("dpo1", "private_train", "step0")}
    found = tables(tmp_path, {"compare": {**COMPARED, "bands": bands}})
    assert list(found["Macro-F1"]) == ["step0", "dpo1", "private train"]


def test_nothing_measured_nothing_shown(tmp_path: Path) -> None:
    assert tables(tmp_path, {}) == {}


def test_a_difference_that_cannot_be_told_has_no_mark(tmp_path: Path) -> None:
    unknown = {"difference": {"mean": 0.2}, "p_value": None, "adjusted_p": None}
    compared = {**COMPARED, "differences": {"dpo1 - step0": {"macro_f1": unknown}}}
    assert tables(tmp_path, {"compare": compared})["Differences"]["dpo1 minus step0"][0] == "+.200"
