"""The training benchmark runs, and counts what it says it counts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import training


def test_meter_counts_from_the_second_step(tmp_path: Path) -> None:
    import torch

    meter = training.Meter(lambda lengths, scored: 10.0 * sum(lengths) + scored)
    callbacks = []
    trainer = SimpleNamespace(
        training_step=lambda model, inputs: "loss", add_callback=callbacks.append
    )
    meter.attach(trainer)
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    inputs = {
        "input_ids": mask,
        "attention_mask": mask,
        "labels": torch.tensor([[-100, 5, 6, -100]]),
    }
    for _ in range(3):
        assert trainer.training_step(None, inputs) == "loss"
        callbacks[0].on_step_end()
    assert (meter.steps, meter.tokens, meter.computed, meter.flops) == (2, 14, 16, 144.0)
    packed = {"input_ids": torch.zeros(1, 9), "cu_seq_lens_q": torch.tensor([0, 4, 9])}
    trainer.training_step(None, packed | {"labels": inputs["labels"]})
    assert meter.tokens == 14 + 9


@pytest.mark.slow
def test_runs_at_minimal_size(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthfr.training import common
    from synthfr.training.trl_seam import dpo_trainer

    monkeypatch.setitem(training.SCALES, "tiny", training.Scale(20, 0.5, 96, checkpointing=False))
    figures = {}
    for name in training.CONTENDERS:
        for module, function in ((common, "run"), (dpo_trainer, "add_reference")):
            monkeypatch.setattr(module, function, getattr(module, function))  # it watches them
        figures[name] = training.measure(name, "tiny", 24)
        monkeypatch.undo()
        monkeypatch.setitem(
            training.SCALES, "tiny", training.Scale(20, 0.5, 96, checkpointing=False)
        )
    for name, row in figures.items():
        assert row["tokens"] > 0 and row["seconds"] > 0 and row["mfu"] > 0, name
        assert (row["padding"] == 0) == ("ours" in name), name
    assert figures["512 chunks"]["padding"] > figures["TRL"]["padding"]
    assert figures["DPO ours"]["reference_s"] > 0
