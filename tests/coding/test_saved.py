"""A coder that is saved: it says of other reports what it would have said in the grid, and shows
the words behind its codes.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthfr import records
from synthfr.coding import saved, saved_on_real
from synthfr.coding.coders import CoderSettings
from synthfr.coding.grid import evaluate_grid
from synthfr.coding.kept import Keeper
from synthfr.disk import digest_tree, read_json, write_json
from synthfr.errors import UserError
from tests.coding import test_encoder, toy

QUICK: dict[str, Any] = {
    "seeds": [0, 1],
    "layers": None,
    "learning_rate": 0.008,
    "epochs": 12,
    "max_length": 64,
    "chunk_tokens": 32,
}
GRID = toy.params(sizes=[60, 100], top_k=[3, 6], seeds=[0])
TRAINING, HOLDOUT = toy.reports(100, 1), toy.reports(60, 2, prefix="h")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return test_encoder.encoder(tmp_path_factory.mktemp("model") / "modernbert")


def settings(folder: Path, **changes: Any) -> saved.TrainCoder:
    return saved.TrainCoder.model_validate({"model": str(folder), **QUICK, **changes})


def train(model: Path, scratch: Path, reports: pd.DataFrame = TRAINING, **changes: Any) -> Path:
    how = settings(model, **changes)
    saved.train(reports, how, GRID, toy.SPACE, 0, scratch / "scratch", scratch / "saved")
    return scratch / "saved"


@pytest.fixture(scope="module")
def folder(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(model, tmp_path_factory.mktemp("trained"))


def test_a_saved_coder_says_what_the_grid_says(model: Path, folder: Path, tmp_path: Path) -> None:
    cells, answers = saved.judge(folder, HOLDOUT, GRID)
    coder = CoderSettings(kind="plm_icd", plm_icd=settings(model))
    alike = toy.params(coder=coder, sizes=[100], top_k=[6], seeds=[0, 1], evaluations=["unbiased"])
    keeper = Keeper()
    expected = evaluate_grid(TRAINING, HOLDOUT, alike, toy.SPACE, 0, tmp_path, keeper)
    assert len(cells) == len(expected) == 2 * 6  # seeds and rules
    for cell, wanted in zip(cells, expected, strict=True):
        assert cell == pytest.approx(wanted, abs=1e-3, nan_ok=True)
    for one, other in zip(answers, keeper.answers, strict=True):
        assert (one.document_ids, one.label_space) == (other.document_ids, other.label_space)
        assert np.allclose(one.scores, other.scores, atol=1e-4)
        assert (one.size, one.top_k, one.seed) == (other.size, other.top_k, other.seed)
    counts = [cell for cell in cells if cell["rule"] == GRID.decision_rule]
    assert min(cell["macro_f1"] for cell in counts) > 0.7


def test_labels_of_other_reports_teach_nothing(model: Path, folder: Path, tmp_path: Path) -> None:
    """Negative control."""
    codes = np.random.default_rng(0).permutation(len(TRAINING))
    mixed = TRAINING.assign(codes=TRAINING["codes"].to_numpy()[codes])

    def found(folder: Path) -> dict[str, Any]:
        cells, _ = saved.judge(folder, HOLDOUT, GRID)
        return next(cell for cell in cells if cell["rule"] == GRID.decision_rule)

    other, own = found(train(model, tmp_path, mixed, seeds=[0])), found(folder)
    assert other["macro_f1"] < own["macro_f1"] - 0.15
    assert other["auc_macro"] < 0.75 < own["auc_macro"] - 0.15


def test_the_words_behind_a_code_are_its_own(folder: Path) -> None:
    table = saved.evidence(folder, HOLDOUT[:20], words=2)
    records.validate(table, records.EVIDENCE, "evidence")
    signs = {code[:3]: set(words) for code, words in toy.WORDS.items()}
    first = table[table["rank"] == 0]
    hit = [row.word in signs[row.label] for row in first.itertuples()]
    assert np.mean(hit) > 0.7
    others = [row.word in signs["F32"] for row in first.itertuples() if row.label != "F32"]
    assert np.mean(others) < 0.2  # the control
    assert table["probability"].between(0, 1).all()
    carried = sum(len({code[:3] for code in codes}) for codes in HOLDOUT[:20]["codes"])
    assert len(first) == carried


def test_no_seeds_no_coders(model: Path, tmp_path: Path) -> None:
    how = settings(model, seeds=[], model=None)
    folder = tmp_path / "saved"
    assert saved.train(TRAINING, how, GRID, toy.SPACE, 0, tmp_path, folder) == []
    assert folder.is_dir() and saved.judge(folder, HOLDOUT, GRID) == ([], [])
    assert saved.evidence(folder, HOLDOUT, 3).empty
    with pytest.raises(ValueError, match=r"train_coder\.model is null"):
        settings(model, model=None)


def test_the_same_twice_and_fewer_layers_are_another_coder(
    model: Path, folder: Path, tmp_path: Path
) -> None:
    assert digest_tree(train(model, tmp_path / "again")) == digest_tree(folder)
    half = train(model, tmp_path / "half", layers=1, epochs=1)
    config = read_json(half / "seed=0/config.json")
    whole = read_json(folder / "seed=0/config.json")
    assert (config["num_hidden_layers"], whole["num_hidden_layers"]) == (1, 2)
    assert np.isfinite(saved.judge(half, HOLDOUT, GRID)[1][0].scores).all()


def test_labels_that_training_never_saw_are_never_given(model: Path, tmp_path: Path) -> None:
    seen = TRAINING[[not {"F32.9"} & set(codes) for codes in TRAINING["codes"]]].reset_index(
        drop=True
    )
    assert len(seen) > 60
    smaller = toy.params(sizes=[60], top_k=[6], seeds=[0])
    how = settings(model, seeds=[0], epochs=1)
    saved.train(seen, how, smaller, toy.SPACE, 0, tmp_path / "scratch", tmp_path / "saved")
    _, (answers,) = saved.judge(tmp_path / "saved", HOLDOUT, smaller)
    assert np.isneginf(answers.scores[:, toy.SPACE.index("F32")]).all()
    assert not answers.decided[:, toy.SPACE.index("F32")].any()
    own = read_json(tmp_path / "saved/seed=0" / saved.DECISIONS)["label_thresholds"]
    assert own[toy.SPACE.index("F32")] is None and not any(
        one is not None and math.isnan(one) for one in own
    )


def test_bad_input_is_told_in_a_sentence(model: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there are only 70: lower classify\.sizes"):
        train(model, tmp_path, TRAINING[:70])
    foreign = TRAINING.assign(codes=[["X99"]] * len(TRAINING))
    told = "train_coder: no report that a coder is trained on has a code of the label space"
    with pytest.raises(UserError, match=told):
        train(model, tmp_path, foreign)
    with pytest.raises(UserError, match=told):  # nor do real ones
        saved_on_real.train_and_judge(
            foreign, HOLDOUT, settings(model), GRID, toy.SPACE, 0, tmp_path
        )
    with pytest.raises(UserError, match="no holdout report has a code"):
        saved.judge(folder, foreign, GRID)
    with pytest.raises(UserError, match=r"train_coder\.layers is 9, and .* has 2: lower it"):
        train(model, tmp_path, layers=9)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    path = broken / "seed=1" / saved.DECISIONS
    write_json(path, {**read_json(path), "threshold": "high"})
    with pytest.raises(UserError, match=r"is no file of this version \(1 faults\): train"):
        saved.judge(broken, HOLDOUT, GRID)
