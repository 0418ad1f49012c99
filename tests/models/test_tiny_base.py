"""The shipped base: the gate it must pass before anything is built on it, and how it is made."""

import dataclasses

import pytest

from synthfr.cli import tiny_base
from synthfr.files import read_json, sha256_file
from synthfr.models import tiny
from synthfr.models.base import MANIFEST, TINY_BASE

SMALL = tiny.TinyBase(
    tokens=4000, vocabulary=400, tokenizer_texts=100, hidden_size=32, layers=1, batch_size=4
)


def test_the_shipped_weights_pass_the_gate():
    audit = tiny_base.audit(TINY_BASE)
    assert audit.code_recall > 0.95
    assert audit.wrong_codes < 0.3
    assert audit.binding["public"] > 0.85
    assert audit.binding["hospital"] > 0.85


def test_an_untrained_model_does_not_pass(tmp_path):
    tiny.build(SMALL, tmp_path, lambda seen, loss: None)
    audit = tiny_base.audit(tmp_path, n_reports=8)
    assert audit.code_recall < 0.5


def test_the_shipped_files_are_small_and_what_the_manifest_says():
    manifest = read_json(TINY_BASE / MANIFEST)
    assert {"model.safetensors", "tokenizer.json", "config.json", "README.md"} <= manifest.keys()
    assert {name: sha256_file(TINY_BASE / name) for name in manifest} == manifest
    assert (TINY_BASE / "model.safetensors").stat().st_size <= 8 * 2**20


def test_same_settings_same_weights_other_seed_others(tmp_path):
    digests = []
    for name, seed in {"first": 0, "again": 0, "other": 1}.items():
        tiny.build(dataclasses.replace(SMALL, seed=seed), tmp_path / name, lambda seen, loss: None)
        digests.append(sha256_file(tmp_path / name / "model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


def test_training_lowers_the_loss():
    told: list[float] = []
    settings = dataclasses.replace(SMALL, tokens=30_000)
    tiny.pretrain(
        settings, tiny.train_tokenizer(settings), lambda seen, loss: told.append(loss), 20
    )
    assert told[-1] < told[0] - 1


@pytest.mark.parametrize(("seen", "share"), [(0, 1.0), (70, 1.0), (85, 0.5), (100, 0.02)])
def test_the_rate_is_constant_then_decays(seen, share):
    settings = tiny.TinyBase(tokens=100, warmup_steps=1, decay_share=0.3)
    assert tiny._rate(settings, step=10, seen=seen) == pytest.approx(share)
