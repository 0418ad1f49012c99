"""The shipped base: the gate it must pass before anything is built on it, and how it is made."""

import dataclasses

import pytest

from synthfr.disk import read_json, sha256_file
from synthfr.models.base import MANIFEST, TINY_BASE
from synthfr.pipeline.cli import pretrain
from synthfr.pretraining import tiny
from synthfr.pretraining.texts import MIXED, REPORTS_ONLY

PHASE = tiny.Phase("texts", 4000, MIXED, max_past=3, learning_rate=2.5e-3, decay_share=0.3)
SMALL = tiny.TinyBase(
    phases=(PHASE,), vocabulary=400, tokenizer_texts=100, hidden_size=32, layers=1, batch_size=4
)


def _silent(seen: int, loss: float) -> None:
    """Nobody watches."""


@pytest.mark.slow
def test_the_shipped_weights_pass_the_gate():
    audit = pretrain.audit(TINY_BASE)
    assert audit.reports.code_recall > 0.98
    assert audit.reports.wrong_codes < 0.1
    assert audit.reports.public_binding > 0.98
    assert audit.notes.hospital_binding > 0.95
    assert audit.notes.well_formed > 0.95
    # the task it knows from textbooks alone, the language of wards from notes alone
    assert audit.reports.hospital_share < 0.1
    assert audit.notes.hospital_share > 0.6
    assert audit.notes.local_share == audit.reports.local_share == 0.0


def test_an_untrained_model_does_not_pass(tmp_path):
    tiny.build(SMALL, tmp_path, _silent)
    audit = pretrain.audit(tmp_path, n_reports=8)
    assert audit.reports.code_recall < 0.5
    assert audit.notes.hospital_binding < 0.5


def test_the_shipped_files_are_small_and_what_the_manifest_says():
    manifest = read_json(TINY_BASE / MANIFEST)
    assert {"model.safetensors", "tokenizer.json", "config.json", "README.md"} <= manifest.keys()
    assert {name: sha256_file(TINY_BASE / name) for name in manifest} == manifest
    assert (TINY_BASE / "model.safetensors").stat().st_size <= 8 * 2**20


def test_same_settings_same_weights_other_seed_others(tmp_path):
    digests = []
    for name, seed in {"first": 0, "again": 0, "other": 1}.items():
        tiny.build(dataclasses.replace(SMALL, seed=seed), tmp_path / name, _silent)
        digests.append(sha256_file(tmp_path / name / "model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


def test_training_lowers_the_loss_and_every_phase_counts():
    told: dict[int, float] = {}
    last = dataclasses.replace(PHASE, stream="reports", mix=REPORTS_ONLY)
    settings = dataclasses.replace(SMALL, phases=(dataclasses.replace(PHASE, tokens=60_000), last))
    tiny.pretrain(settings, tiny.train_tokenizer(settings), told.__setitem__)
    losses = list(told.values())
    assert losses[-1] < losses[0] - 0.5
    assert max(told) >= 64_000


def test_a_saved_model_can_be_trained_on(tmp_path):
    """The second phase on the loaded first one gives what both in one go give."""
    last = dataclasses.replace(PHASE, stream="reports", mix=REPORTS_ONLY)
    tiny.build(dataclasses.replace(SMALL, phases=(PHASE, last)), tmp_path / "one", _silent)
    tiny.build(SMALL, tmp_path / "two", _silent)
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "two", dtype="float32")
    tiny.run_phase(model, SMALL, last, tiny.train_tokenizer(SMALL), _silent)
    model.half().save_pretrained(tmp_path / "two")
    assert sha256_file(tmp_path / "one" / "model.safetensors") == sha256_file(
        tmp_path / "two" / "model.safetensors"
    )


@pytest.mark.parametrize(("seen", "share"), [(0, 1.0), (70, 1.0), (85, 0.5), (100, 0.02)])
def test_the_rate_is_constant_then_decays(seen, share):
    phase = dataclasses.replace(PHASE, tokens=100, decay_share=0.3)
    settings = tiny.TinyBase(warmup_steps=1)
    assert tiny.rate(settings, phase, step=10, seen=seen) == pytest.approx(share)
