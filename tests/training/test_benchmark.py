"""The training benchmark runs, and counts what it says it counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.training import measuring
from benchmarks.training.meter import Meter, lora_work
from benchmarks.training.scale import Scale


def test_meter_counts_from_the_second_step() -> None:
    import torch

    meter = Meter(lambda lengths, scored: 10.0 * sum(lengths) + scored)
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
    assert meter.rows == 4
    packed = {"input_ids": torch.zeros(1, 9), "cu_seq_lens_q": torch.tensor([0, 4, 9])}
    trainer.training_step(None, packed | {"labels": inputs["labels"]})
    assert (meter.tokens, meter.rows) == (14 + 9, 6)


def test_model_flops_by_hand() -> None:
    """2 layers, 2 heads of 4 dimensions, a head of 10 words x 5 dimensions, 150 weights in all."""
    shape = {"num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 4}
    config = SimpleNamespace(vocab_size=10, hidden_size=5, tie_word_embeddings=True, **shape)
    meter = Meter(lora_work(config, 150), seconds=2.0, tokens=8, computed=10)
    meter.flops = meter.work([3, 5], 4)
    # 100 frozen weights x 8 tokens; 50 of the head x 4 scored ones; 6 x 2 x 8 x (9 + 25)
    assert meter.flops == 4 * 100 * 8 + 4 * 50 * 4 + 3264
    assert meter.mfu(peak_flops=7264) == 0.5
    assert meter.padding == pytest.approx(0.2)
    config.tie_word_embeddings = False  # then 50 of the 150 are the embedding, which adds nothing
    assert lora_work(config, 150)([3, 5], 4) == 7264 - 4 * 50 * 8


@pytest.mark.slow
@pytest.mark.long
def test_runs_at_minimal_size() -> None:
    from synthfr import resume

    untouched, small = resume.train, Scale(20, 0.5, 96, checkpointing=False)
    figures = {name: measuring.measure(name, small, 24) for name in measuring.CONTENDERS}
    for name, row in figures.items():
        assert row["tokens"] > 0 and row["seconds"] > 0 and row["mfu"] > 0, name
        assert (row["padding"] == 0) == ("ours" in name), name
    assert figures["512 chunks"]["padding"] > figures["TRL"]["padding"]
    assert figures["DPO ours"]["reference_s"] > 0
    assert resume.train is untouched
