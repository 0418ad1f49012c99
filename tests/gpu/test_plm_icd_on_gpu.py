"""What only a GPU runs of PLM-ICD: it reads as on the CPU, trains there in both precisions, goes on
after it was killed, and what is kept of it is judged on the CPU.

`make gpu-check` runs these; everywhere else they are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.coding import test_encoder, test_plm_icd, toy

pytestmark = pytest.mark.gpu

ROOT = Path(__file__).parents[2]
DEVICE = "cuda"
TRAINING, HOLDOUT = toy.reports(100, 1), toy.reports(60, 2, prefix="h")
GRID = toy.params(sizes=[100], top_k=[6], seeds=[0])
LEARNING: dict[str, Any] = {
    "seeds": [0],
    "layers": None,
    "learning_rate": 0.008,
    "epochs": 12,
    "max_length": 64,
    "chunk_tokens": 8,  # fewer than the words of a report
}
# between the logits of one training on either device: on a CPU, gradients that differ by a
# thousandth move them by two thousandths, all of it in bfloat16 by three hundredths
AS_TRAINED = 0.05


@pytest.fixture(autouse=True)
def gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")


@pytest.fixture(scope="module")
def modernbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return test_encoder.encoder(tmp_path_factory.mktemp("model") / "modernbert")


@pytest.fixture(scope="module")
def camembert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It has dropout: a run that goes on needs the state of the GPU's own draws."""
    return test_encoder.encoder(tmp_path_factory.mktemp("model") / "camembert", "camembert")


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return test_plm_icd.causal(tmp_path_factory.mktemp("model") / "qwen3")


def train(model: str, place: str, reports: pd.DataFrame = TRAINING, **how: Any) -> None:
    """Train and save coders below `place`, on the GPU where torch sees one."""
    from synthfr.coding import saved

    settings = saved.TrainCoder.model_validate({"model": model, **LEARNING, **how})
    folder, scratch = Path(place) / "saved", Path(place) / "scratch"
    saved.train(reports, settings, GRID, toy.SPACE, 0, scratch, folder)


def judged(place: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Scores of the holdout reports, and the figures of the rule in use."""
    from synthfr.coding import saved

    cells, (answers,) = saved.judge(place / "saved", HOLDOUT, GRID)
    return answers.scores, next(cell for cell in cells if cell["rule"] == GRID.decision_rule)


@pytest.mark.parametrize("head", ["label_attention", "cross_attention"])
@pytest.mark.parametrize("model", ["modernbert", "camembert", "decoder"])
def test_logits_and_attention_are_those_of_the_cpu(
    model: str, head: str, request: pytest.FixtureRequest
) -> None:
    import torch

    from synthfr.coding.label_attention import collate

    network = test_plm_icd.network(request.getfixturevalue(model), head=head)
    draw = np.random.default_rng(0).integers
    reports = [draw(4, 20, int(n)).tolist() for n in (1, 30, 64, 65, 200)]
    batch = collate(reports, 64, network.encoder.config.pad_token_id)

    def read(device: str) -> list[Any]:
        moved = network.to(device)
        with torch.no_grad():
            found = moved.read(**{name: one.to(device) for name, one in batch.items()})
        assert {one.device.type for one in found} == {device}
        return [one.cpu() for one in found]

    for ours, theirs in zip(read(DEVICE), read("cpu"), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-3)
    assert read(DEVICE)[0].std(dim=0).min() > 1e-2  # the control: reports differ


def test_a_kept_coder_says_on_the_cpu_what_it_said_on_the_gpu(
    modernbert: Path, tmp_path: Path
) -> None:
    from synthfr.coding import trained
    from synthfr.coding.plm_icd import PlmIcdCoder

    how = test_plm_icd.params(modernbert, epochs=2, chunk_tokens=8)
    texts, truth = test_plm_icd.TEXTS, test_plm_icd.TRUTH
    made = PlmIcdCoder(texts, how, 0, tmp_path / "scratch", tmp_path / "kept")
    rows = np.arange(24, 40)
    scores = made.scores(np.arange(24), truth[:24], rows)
    assert made.kept is not None
    coder = trained.load(made.kept, test_plm_icd.triggers.LABELS)
    assert next(coder._model.parameters()).device.type == "cpu"
    assert np.allclose(coder.scores([texts[row] for row in rows]), scores, atol=1e-3)
    other = coder.scores([texts[row] for row in rows[::-1]])  # the control: reports differ
    assert not np.allclose(other, scores, atol=1e-3)


def test_a_coder_trained_on_the_gpu_is_that_of_the_cpu(modernbert: Path, tmp_path: Path) -> None:
    """In single precision, up to what the order of sums makes of it; without a GPU in sight another
    process trains it.
    """
    train(str(modernbert), str(tmp_path / "gpu"))
    script = "import sys; from tests.gpu import test_plm_icd_on_gpu as t; t.train(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", script, str(modernbert), str(tmp_path / "cpu")],
        check=True,
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )
    train(str(modernbert), str(tmp_path / "other"), epochs=3)
    (scores, cell), (theirs, their_cell) = judged(tmp_path / "gpu"), judged(tmp_path / "cpu")
    assert np.allclose(scores, theirs, atol=AS_TRAINED)
    for name in ("auc_macro", "map"):
        assert cell[name] == pytest.approx(their_cell[name], abs=0.02)
    assert cell["macro_f1"] > 0.7
    other, _ = judged(tmp_path / "other")  # the control
    assert not np.allclose(other, theirs, atol=AS_TRAINED)


def test_a_kept_coder_learns_in_bfloat16(modernbert: Path, tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).permutation(len(TRAINING))
    mixed = TRAINING.assign(codes=TRAINING["codes"].to_numpy()[drawn])
    train(str(modernbert), str(tmp_path / "own"), precision="bfloat16")
    train(str(modernbert), str(tmp_path / "mixed"), mixed, precision="bfloat16")
    (scores, own), (_, other) = judged(tmp_path / "own"), judged(tmp_path / "mixed")
    assert np.isfinite(scores).all()
    assert own["auc_macro"] > 0.9 and own["macro_f1"] > 0.6
    assert other["auc_macro"] < 0.75  # the control


@pytest.mark.parametrize(("precision", "near"), [("float32", 1e-3), ("bfloat16", 0.02)])
def test_a_killed_training_goes_on(
    precision: str,
    near: float,
    camembert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is selected: the scores are those of the last step, long after it was killed. Other
    draws of dropout from there on move them by six thousandths, roundings in bfloat16 by two.
    """
    whole = scored(camembert, tmp_path / "whole", precision)
    with pytest.raises(test_plm_icd.Killed):
        scored(camembert, tmp_path / "killed", precision, kill_at=8)
    capsys.readouterr()
    again = scored(camembert, tmp_path / "killed", precision)
    assert "goes on from step 6 of an earlier run" in capsys.readouterr().err
    assert np.allclose(again, whole, atol=near)
    for seed in (1, 2):  # the control: another head to begin with, another order
        other = scored(camembert, tmp_path / str(seed), precision, seed=seed)
        assert not np.allclose(other, whole, atol=near)


def scored(
    model: Path, scratch: Path, precision: str, kill_at: int | None = None, seed: int = 0
) -> np.ndarray:
    """Scores after 18 steps; `Killed` before the step `kill_at`."""
    from transformers import TrainerCallback

    from synthfr import resume
    from synthfr.coding.plm_icd import PlmIcdCoder

    class Kill(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == kill_at:
                raise test_plm_icd.Killed

    train_ = resume.train

    def killed(trainer: Any, place: Path) -> None:
        trainer.add_callback(Kill())
        train_(trainer, place)

    how = test_plm_icd.params(model, epochs=6, learning_rate=0.01, precision=precision)
    texts, truth = test_plm_icd.TEXTS, test_plm_icd.TRUTH
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "train", killed)
        made = PlmIcdCoder(texts, how, seed, scratch)
        return made.scores(np.arange(24), truth[:24], np.arange(24, 40))
