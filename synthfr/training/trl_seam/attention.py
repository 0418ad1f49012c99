"""Attention of many sequences laid end to end in one row, none of which sees another.

A mask over the whole row would cost its length squared. On a GPU in sixteen bits this is torch's
own variable-length flash attention, elsewhere one call of torch's attention for each sequence.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "synthfr_by_sequence"


def use_sequence_attention(model: Any) -> None:
    """Let `model` read rows of sequences laid end to end, whose starts each call names
    (``cu_seq_lens_q``), and nothing else from now on.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _attend)
    # transformers makes no mask for a name that has no mask function
    model.set_attn_implementation(NAME)


def _attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: None,
    *,
    cu_seq_lens_q: torch.Tensor,
    max_length_q: int,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    s_aux: Any = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """See `transformers.AttentionInterface`. `query`: [1, heads, tokens, size]; `key`, `value`:
    maybe fewer heads; the answer: [1, tokens, heads, size].
    """
    if dropout or softcap is not None or s_aux is not None:
        raise NotImplementedError("attention with dropout, soft caps or sinks")
    if query.is_cuda and query.element_size() == 2:
        return _flash_varlen(
            query, key, value, cu_seq_lens_q, max_length_q, scaling, sliding_window
        ), None
    return _sdpa_of_each(query, key, value, cu_seq_lens_q, scaling, sliding_window), None


def _flash_varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    longest: int,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    queries, keys, values = (
        tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value)
    )
    back = -1 if window is None else window - 1  # tokens seen before one's own
    attended = varlen_attn(
        queries,
        keys,
        values,
        starts,
        starts,
        longest,
        longest,
        scale=scaling,
        window_size=(back, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    assert not isinstance(attended, tuple)
    return attended[None]


def _sdpa_of_each(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    import torch

    parts = []
    for first, last in pairwise(starts.tolist()):
        length = last - first
        mask = None
        if window is not None and length > window:
            position = torch.arange(length, device=query.device)
            distance = position[:, None] - position[None, :]
            mask = (distance >= 0) & (distance < window)
        parts.append(
            torch.nn.functional.scaled_dot_product_attention(
                query[:, :, first:last],
                key[:, :, first:last],
                value[:, :, first:last],
                attn_mask=mask,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=query.shape[1] != key.shape[1],
            )
        )
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous()
