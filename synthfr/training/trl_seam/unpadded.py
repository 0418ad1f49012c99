"""Training without padding: a padded batch is laid end to end where it enters the model.

TRL's trainers hand the model padded batches and want log-probabilities of the same shape back; its
DPO trainer knows nothing else. So the batch is flattened at the model's door, and the answer spread
out again: the trainer's sums, weights and logs stay what they are, and no token of padding is
computed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from synthfr.errors import UserError
from synthfr.training.trl_seam import attention

if TYPE_CHECKING:
    import torch

# largest difference of a log-probability from the padded batch's
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25}
_CHECKED_TOKENS = 64  # of each sequence
# what TRL's head answers for each position, in a FusedCausalLMOutput
FIELDS = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1", "label_mask")


def remove_padding(model: Any, precision: str, setting: str) -> None:
    """Let `model`, which scores labels (`head`), compute padded batches without their padding, and
    rows of packed sequences.

    UserError, naming the `setting` that asked for it, when it then does not say the same as before:
    its attention or its positions cannot be taken apart.
    """
    padded = model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("fused_lm_head") or "cu_seq_lens_q" in kwargs:  # packed by the collator
            return padded(*args, **kwargs)
        mask = kwargs.pop("attention_mask").bool()
        flat = _flat(kwargs.pop("input_ids"), kwargs.pop("labels"), mask)
        return _spread(padded(*args, **flat, **kwargs), mask, flat["position_ids"][0])

    call = _two_sequences(model)
    expected = _log_probs(padded, call)
    attention.use_sequence_attention(model)
    model.forward = forward
    try:
        difference = float((_log_probs(forward, call) - expected).abs().max())
        why = f"its log-probabilities differ by {difference:.3f}"
    except (NotImplementedError, TypeError, RuntimeError) as error:
        difference, why = math.inf, f"{type(error).__name__}: {error}"
    if not difference <= TOLERANCE[precision]:
        raise UserError(
            f"{setting}: a model of the type {model.config.model_type} cannot be trained without "
            f"padding ({why}): set it to padded."
        )


def _flat(ids: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor) -> dict[str, Any]:
    """The sequences of a padded batch (where `mask` is true) as one row, and their places in it."""
    import torch

    lengths = mask.sum(dim=1)
    starts = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).to(torch.int32)
    longest = int(lengths.max())
    positions = (mask.cumsum(dim=1) - 1)[mask]
    return {
        "input_ids": ids[mask][None],
        # nothing foretells a first token
        "labels": labels[mask].masked_fill(positions == 0, -100)[None],
        "position_ids": positions[None],
        "cu_seq_lens_q": starts,
        "cu_seq_lens_k": starts,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def _spread(answer: Any, mask: torch.Tensor, positions: torch.Tensor) -> Any:
    """The answer about a flat row in the shape that the padded batch's would have had (a column
    less than `mask`), zero where there is padding.
    """
    within = positions[1:] != 0  # in the row, what foretells a token of its own sequence
    places = mask[:, :-1] & mask[:, 1:]
    for name in FIELDS:
        flat = getattr(answer, name)
        if flat is not None:
            empty = flat.new_zeros(places.shape)
            setattr(answer, name, empty.masked_scatter(places, flat[0][within]))
    return answer


def _two_sequences(model: Any) -> dict[str, Any]:
    """A call for made-up tokens: one whole row, one half padded."""
    import torch

    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.get_text_config().vocab_size
    ids = torch.randint(vocabulary, (2, _CHECKED_TOKENS), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, _CHECKED_TOKENS // 2 :] = 0
    tensors = {
        "input_ids": ids,
        "attention_mask": mask,
        "labels": ids.masked_fill(mask == 0, -100),
    }
    device = model.get_input_embeddings().weight.device
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _log_probs(forward: Any, call: dict[str, Any]) -> torch.Tensor:
    import torch

    with torch.no_grad():
        answer = forward(**call, use_cache=False, fused_lm_head=True)
    log_probs: torch.Tensor = answer.log_probs.float()
    return log_probs
