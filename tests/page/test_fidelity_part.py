"""The page's tables on fidelity."""

import json
from pathlib import Path

from synthfr.pipeline.page import fidelity_part
from synthfr.pipeline.page.measured import Measured

STEPS = ("step0", "dpo1")
DPO1 = {
    "distributions": {
        "words": {
            "js": {"synthetic": 0.5, "floor": 0.01},
            "merged": {"synthetic": 0.08, "floor": 0.013},
            "merged_real": {"synthetic": 0.012, "floor": 0.014},
            "apart": {"synthetic": 0.25, "floor": 0.0},
        },
        "codes": {
            "js": {"synthetic": 0.004, "floor": 0.003},
            "merged": {"synthetic": 0.1, "floor": None},
            "merged_real": {"synthetic": None, "floor": None},  # of too few patients
            "apart": {"synthetic": 0.0, "floor": None},
        },
    },
    "embedding": {
        "frechet": {
            "synthetic": {"mean": 0.4, "low": 0.3, "high": 0.5},
            "floor": {"mean": 0.04, "low": 0.03, "high": 0.05},
        }
    },
    "tokens_per_document": {
        "real": 60.0, "synthetic": 65.0, "difference": -5.0, "real_difference": -0.5
    },
    "distinct_3": {
        "real": 0.199, "synthetic": 0.203, "difference": -0.004, "real_difference": -0.0036
    },
    "diversity": {"self_bleu": {"real": 0.75, "synthetic": 0.875, "floor": -0.002}},
    "faithfulness": {"code_recall": 0.9},
    "faithfulness_real": {"code_recall": 1.0},
    "faithfulness_floor": {"code_recall": 0.0},
    "discriminator": {"alone": {"sentence_starts": {"synthetic": 1.0, "floor": 0.5}}},
    "own_codes": None,  # too few reports
}  # fmt: skip


def tables(folder: Path) -> list[dict[str, list[str]]]:
    found = fidelity_part.load(Measured(folder, Path.is_file), STEPS)
    return [{name: list(cells) for name, cells in table.rows} for _, table in found]


def test_each_figure_stands_beside_what_real_reports_have(tmp_path: Path) -> None:
    (tmp_path / "fidelity").mkdir()
    (tmp_path / "fidelity/dpo1.json").write_text(json.dumps(DPO1), encoding="utf-8")
    distances, classes, features, levels, kinds = tables(tmp_path)
    assert distances == {
        "embeddings: Fréchet distance": ["–", "0.400 ± 0.100", "0.040 ± 0.010"],
    }
    # what a divergence cannot see stands below it
    assert list(classes.items()) == [
        ("codes", ["–", "0.004", "0.003"]),
        ("codes: counted as one", ["–", "0.100", "–"]),
        ("codes: hardly any holdout patient has", ["–", "0.000", "–"]),
        ("words", ["–", "0.500", "0.010"]),
        ("words: counted as one", ["–", "0.080", "0.013"]),
        ("words: of private holdout", ["–", "0.012", "0.014"]),
        ("words: hardly any holdout patient has", ["–", "0.250", "0.000"]),
    ]
    assert features == {
        "tokens a document": ["–", "65.0", "60.0", "0.5"],
        "distinct 3-grams at equal size": ["–", "0.2030", "0.1990", "0.0036"],
    }
    # own_codes was not measured: no row
    assert levels == {
        "self-BLEU": ["–", "0.875", "0.750", "0.002"],
        "code recall": ["–", "0.900", "1.000", "0.000"],
    }
    assert kinds == {"sentence starts": ["–", "1.000", "0.500"]}


def test_nothing_measured_nothing_shown(tmp_path: Path) -> None:
    assert tables(tmp_path) == []
