"""The decoding loop: a batch of prompts through a causal model's public forward, token by token.

Prompts are padded on the left, equal prompts are read once, rows leave the batch when they end.
Imports torch and transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from synthfr.engines.transformers.grouped_attention import grouped_decoding
from synthfr.engines.transformers.kv_cache import preallocated_cache
from synthfr.engines.transformers.sampling import Sampler
from synthfr.errors import UserError


@torch.inference_mode()
def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    sampler: Sampler,
    end_tokens: Sequence[int],
    pad_token: int,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield, token by token, the rows still being written and their new tokens, each of shape
    (rows,).

    `prompts` are token ids; row r ends with one of `end_tokens` (yielded) or after ``limits[r]``
    tokens. Rows are indices into `prompts`; their order changes as others leave.
    """
    device = model.device
    forward = _Forward(model)
    distinct = {ids: index for index, ids in enumerate(dict.fromkeys(map(tuple, prompts)))}
    width = max(map(len, distinct))
    capacity = width + max(limits)

    ids = torch.full((len(distinct), width), pad_token, dtype=torch.int64)
    mask = torch.zeros(len(distinct), capacity, dtype=torch.int64)
    for prompt, row in distinct.items():
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    ids, mask = ids.to(device), mask.to(device)
    positions = (mask[:, :width].cumsum(1) - 1).clamp_(min=0)
    rows = torch.arange(len(prompts), device=device)
    limit = torch.tensor(limits, device=device)
    ends = torch.tensor(end_tokens, device=device)

    cache = preallocated_cache(model.config, capacity)
    with grouped_decoding(model):
        logits = forward(ids, mask[:, :width], positions, cache)
        copies = torch.tensor([distinct[tuple(prompt)] for prompt in prompts], device=device)
        cache.reorder_cache(copies)
        logits, mask, position = logits[copies], mask[copies], positions[copies, -1:]

        for t in range(max(limits)):
            tokens = sampler.choose(logits, t)
            yield rows, tokens
            ended = (tokens[:, None] == ends).any(1) | (limit <= t + 1)
            if ended.any():
                if ended.all():
                    return
                kept = _fill_gaps(ended)
                cache.reorder_cache(kept)
                sampler.keep(kept)
                rows, tokens, limit = rows[kept], tokens[kept], limit[kept]
                mask, position = mask[kept], position[kept]
            position = position + 1
            logits = forward(tokens[:, None], mask[:, : width + t + 1], position, cache)


def _fill_gaps(ended: torch.Tensor) -> torch.Tensor:
    """Indices of the rows that go on, the last of them in the places of those that ended, so that
    few rows of the cache have to move.
    """
    going_on = (~ended).nonzero()[:, 0]
    n = len(going_on)
    kept = torch.arange(n, device=ended.device)
    kept[ended[:n]] = going_on[going_on >= n]
    return kept


class _Forward:
    """A model's forward, given what it takes; returns the logits of the last position."""

    def __init__(self, model: Any) -> None:
        accepted = inspect.signature(model.forward).parameters
        if "past_key_values" not in accepted:
            raise UserError(
                f"{type(model).__name__} keeps no keys and values between tokens, which the "
                "transformers engine needs: choose a base with attention."
            )
        self._model = model
        self._takes_positions = "position_ids" in accepted
        self._extra = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}

    def __call__(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        given = {"position_ids": positions} if self._takes_positions else {}
        logits: torch.Tensor = self._model(
            input_ids=ids,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **given,
            **self._extra,
        ).logits
        return logits[:, -1]
