"""Our head against TRL's: the same log-probabilities, the same gradients."""

from __future__ import annotations

from typing import Any

import pytest

from synthfr.training.trl_seam import head
from tests import tiny


def _lora() -> Any:
    import torch
    from peft import LoraConfig, get_peft_model
    from trl.trainer.utils import add_fused_lm_head

    torch.manual_seed(0)
    lora = get_peft_model(tiny.model(), LoraConfig(r=4, lora_alpha=8, target_modules="all-linear"))
    with torch.no_grad():
        for name, weight in lora.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.1)
    outputs = ("log_probs", "entropy", "is_top1", "mean_logits")
    add_fused_lm_head(lora.get_base_model(), outputs=outputs)
    return lora


def _scored(lora: Any) -> tuple[Any, Any]:
    """TRL's answer for two padded rows, and the gradients of its log-probabilities' sum."""
    import torch

    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(2, 300, (2, 20), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 15:] = 0
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :6] = -100
    lora.zero_grad()
    answer = lora(
        input_ids=ids, attention_mask=mask, labels=labels, use_cache=False, fused_lm_head=True
    )
    answer.log_probs.sum().backward()
    return answer, [one.grad.clone() for one in lora.parameters() if one.requires_grad]


def test_equals_trls_own() -> None:
    import torch

    lora = _lora()
    theirs, their_gradients = _scored(lora)
    assert head.score_labels_only(lora.get_base_model())
    ours, our_gradients = _scored(lora)
    assert torch.allclose(ours.log_probs, theirs.log_probs, atol=1e-5)
    assert torch.equal(ours.is_top1, theirs.is_top1)
    assert torch.equal(ours.label_mask, theirs.label_mask)
    for one, other in zip(our_gradients, their_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert ours.log_probs.sum().item() < -1  # the control: not equal because empty


def test_other_calls_are_untouched() -> None:
    import torch

    lora = _lora()
    ids = torch.tensor([[5, 6, 7]])
    before = lora(input_ids=ids).logits
    head.score_labels_only(lora.get_base_model())
    assert torch.equal(lora(input_ids=ids).logits, before)


@pytest.mark.parametrize("name", ["final_logit_softcapping", "logits_scaling"])
def test_models_that_transform_their_logits_keep_trls_head(name: str) -> None:
    lora = _lora()
    model = lora.get_base_model()
    setattr(model.config, name, 8.0)
    before = model.forward
    assert not head.score_labels_only(model)
    assert model.forward == before
