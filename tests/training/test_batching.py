"""Without padding, and packed: the same loss as padded, and no sequence sees another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthfr.errors import UserError
from synthfr.training import packing
from synthfr.training.trl_seam import attention, unpadded
from tests import tiny
from tests.training import small

Plain = Callable[[str], Any]
Until = Callable[[Callable[[], Any]], Any]


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_same_curves_as_padded(kind: str, base: Path, tmp_path: Path, plain: Plain) -> None:
    padded = plain(kind)
    free = small.train(kind, base, tmp_path, batching="padding_free")
    for one, other in zip(padded.history, free.history, strict=True):
        for name in ("loss", "eval_loss", "margin", "token_accuracy"):
            assert one.get(name) == pytest.approx(other.get(name), abs=1e-4), name
    # the first step is taken at equal weights: nothing has drifted yet
    first = 0 if kind == "sft" else 1
    assert padded.history[first]["loss"] == pytest.approx(free.history[first]["loss"], abs=1e-5)
    assert free.metrics["rows"] == padded.metrics["rows"]


def _scored(model: Any, rows: list[list[int]]) -> Any:
    """Log-probabilities of all tokens of a padded batch of `rows`, and their gradients' sum."""
    import torch

    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[1] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    labels = ids.masked_fill(mask == 0, -100)
    model.zero_grad()
    answer = model(
        input_ids=ids, attention_mask=mask, labels=labels, use_cache=False, fused_lm_head=True
    )
    answer.log_probs.sum().backward()
    return answer, torch.cat([one.grad.flatten() for one in model.parameters()])


def _model(**architecture: Any) -> Any:
    from trl.trainer.utils import add_fused_lm_head

    from synthfr.training.trl_seam import head

    model = tiny.model(**architecture)
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1", "mean_logits"))
    head.score_labels_only(model)
    return model


ROWS = [[5, 6, 7, 8, 9, 10, 11], [12, 13, 14], [15, 16, 17, 18, 19]]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_door_gives_the_padded_answer(checkpointing: bool) -> None:
    import torch

    model = _model()
    model.train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    padded, gradient = _scored(model, ROWS)
    unpadded.remove_padding(model, "float32", "dpo.batching")
    free, free_gradient = _scored(model, ROWS)
    assert torch.allclose(padded.log_probs, free.log_probs, atol=1e-5)
    for name in ("is_top1", "label_mask", "entropy", "mean_logits"):
        assert torch.equal(getattr(padded, name), getattr(free, name)), name
    assert torch.allclose(gradient, free_gradient, atol=1e-4)


def _packed(model: Any, rows: list[list[int]], apart: bool) -> Any:
    """Log-probabilities of a row of `rows` laid end to end, `apart` as TRL's collator says so."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    whole = [token for row in rows for token in row]
    own = {"seq_lengths": [len(row) for row in rows]} if apart else {}
    collate = DataCollatorForLanguageModeling(pad_token_id=1, padding_free=True)
    batch = collate([{"input_ids": whole, "labels": whole, **own}])
    return model(**batch, use_cache=False, fused_lm_head=True).log_probs[0]


def test_packed_sequences_do_not_see_one_another() -> None:
    import torch

    model = _model()
    unpadded.remove_padding(model, "float32", "dpo.batching")
    alone = _scored(model, ROWS[1:2])[0].log_probs[0]
    first = len(ROWS[0])
    inside = slice(first, first + len(ROWS[1]) - 1)
    assert torch.allclose(_packed(model, ROWS, apart=True)[inside], alone, atol=1e-5)
    run_on = _packed(model, ROWS, apart=False)[inside]  # the control: one long sequence
    assert not torch.allclose(run_on, alone, atol=1e-2)


def test_a_sliding_window_is_kept() -> None:
    import torch
    from transformers import AutoModelForCausalLM, MistralConfig
    from trl.trainer.utils import add_fused_lm_head

    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=4,
        initializer_range=0.3,
    )
    model = AutoModelForCausalLM.from_config(config)
    add_fused_lm_head(model)
    padded, _ = _scored(model, ROWS)
    unpadded.remove_padding(model, "float32", "dpo.batching")
    assert torch.allclose(padded.log_probs, _scored(model, ROWS)[0].log_probs, atol=1e-4)


def test_a_model_that_cannot_is_refused() -> None:
    """Positions that are counted from the mask, not taken from the call, would run on."""
    import torch
    from transformers import BloomConfig, BloomForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    torch.manual_seed(0)
    model = BloomForCausalLM(
        BloomConfig(vocab_size=300, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3)
    )
    add_fused_lm_head(model)
    with pytest.raises(
        UserError,
        match=r"^dpo\.batching: .* bloom cannot be trained without padding.*set it to padded",
    ):
        unpadded.remove_padding(model, "float32", "dpo.batching")


def test_the_gpus_attention_is_asked_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's variable-length attention runs on a GPU only: here its arguments are checked."""
    import torch
    from torch.nn.attention import varlen

    def reference(query: Any, key: Any, value: Any, starts: Any, *rest: Any, **how: Any) -> Any:
        assert rest == (starts, 3, 3) and how["enable_gqa"]
        back, ahead = how["window_size"]
        assert ahead == 0
        parts = [
            torch.nn.functional.scaled_dot_product_attention(
                *(one[first:last].transpose(0, 1)[None] for one in (query, key, value)),
                attn_mask=_band(last - first, back),
                scale=how["scale"],
                enable_gqa=True,
            )[0].transpose(0, 1)
            for first, last in ((0, 3), (3, 5))
        ]
        return torch.cat(parts)

    def _band(length: int, back: int) -> Any:
        ago = torch.arange(length)[:, None] - torch.arange(length)
        return (ago >= 0) & ((ago <= back) | (back < 0))

    monkeypatch.setattr(varlen, "varlen_attn", reference)
    torch.manual_seed(0)
    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    starts = torch.tensor([0, 3, 5], dtype=torch.int32)
    for window in (None, 2):
        theirs = attention._flash_varlen(query, key, value, starts, 3, 0.3, window)
        ours = attention._sdpa_of_each(query, key, value, starts, 0.3, window)
        assert torch.allclose(theirs, ours, atol=1e-6)


def test_packs_are_full_and_hold_whole_reports() -> None:
    """Best fit decreasing over all reports, worked out by hand; a token names its report."""
    from datasets import Dataset

    lengths = [1, 2, 3, 3, 5]
    ids = [[report] * length for report, length in enumerate(lengths)]
    labels = [[-100, *one[1:]] for one in ids]
    packs = packing.pack(Dataset.from_dict({"input_ids": ids, "labels": labels}), 6)
    assert packs["seq_lengths"][:] == [[5, 1], [3, 3], [2]]
    assert packs["n_tokens"][:] == [6, 6, 2]
    assert len(set(packs["report_id"])) == 3
    for pack in packs:
        start = 0
        for length in pack["seq_lengths"]:
            own = slice(start, start + length)
            report = pack["input_ids"][start]
            assert pack["input_ids"][own] == ids[report] and pack["labels"][own] == labels[report]
            start += length
    # more reports than TRL packs at once by itself
    many = Dataset.from_dict({"input_ids": [[7] * 3] * 1001, "labels": [[7] * 3] * 1001})
    assert len(packing.pack(many, 2 * 1001 * 3)) == 1


def test_packed_training(base: Path, tmp_path: Path, before_training: Until) -> None:
    packed = {"batching": "packed", "max_length": 80, "batch_size": 2, "device_batch_size": 2}
    result = small.train("sft", base, tmp_path / "scratch", **packed)
    trainer = before_training(lambda: small.train("sft", base, tmp_path / "before", **packed))
    whole = before_training(lambda: small.train("sft", base, tmp_path / "padded", max_length=80))
    rows = trainer.train_dataset
    assert all(len(row["input_ids"]) == sum(row["seq_lengths"]) <= 80 for row in rows)
    assert len(rows) < 16 and sum(len(row["seq_lengths"]) for row in rows) == 16
    counted = [
        sum(label != -100 for row in one["labels"] for label in row)
        for one in (rows, whole.train_dataset)
    ]
    assert counted[0] == counted[1]
    assert result.metrics["rows"] == {
        "train": 16,
        "validation": 4,
        "truncated": 0,
        "packs": len(rows),
    }
    assert result.history[-1]["loss"] < result.history[0]["loss"]
