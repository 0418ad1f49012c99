"""The page's tables on fidelity."""

import json
from pathlib import Path

from synthfr.pipeline.page import fidelity_part
from synthfr.pipeline.page.measured import Measured

STEPS = ("step0", "dpo1")
DPO1 = {
    "distributions": {"words": {"js": {"synthetic": 0.5, "floor": 0.01}}},
    "embedding": {
        "frechet": {
            "synthetic": {"mean": 0.4, "low": 0.3, "high": 0.5},
            "floor": {"mean": 0.04, "low": 0.03, "high": 0.05},
        }
    },
    "diversity": {"self_bleu": {"real": 0.75, "synthetic": 0.875, "floor": 0.0}},
    "discriminator": {"alone": {"sentence_starts": {"synthetic": 1.0, "floor": 0.5}}},
    "own_codes": None,  # too few reports
}


def tables(folder: Path) -> list[dict[str, list[str]]]:
    found = fidelity_part.load(Measured(folder, Path.is_file), STEPS)
    return [{name: list(cells) for name, cells in table.rows} for _, table in found]


def test_each_figure_stands_beside_what_real_reports_have(tmp_path: Path) -> None:
    (tmp_path / "fidelity").mkdir()
    (tmp_path / "fidelity/dpo1.json").write_text(json.dumps(DPO1), encoding="utf-8")
    distances, levels, kinds = tables(tmp_path)
    assert distances == {
        "words": ["–", "0.500", "0.010"],
        "embeddings: Fréchet distance": ["–", "0.400 ± 0.100", "0.040 ± 0.010"],
    }
    assert levels == {"self-BLEU": ["–", "0.875", "0.750"]}  # own_codes was not measured: no row
    assert kinds == {"sentence starts": ["–", "1.000", "0.500"]}


def test_nothing_measured_nothing_shown(tmp_path: Path) -> None:
    assert tables(tmp_path) == []
