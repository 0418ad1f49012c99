"""Keys and values of a batch in memory that is taken once and loses finished rows cheaply.

transformers' own growing cache copies all keys and values at every token, its static one cannot
drop rows. Layers that are no plain full attention (sliding windows, linear attention) keep
transformers' own cache. Imports torch and transformers.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer


class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]  # transformers is untyped here
    """Full-attention layer cache of a fixed number of positions, filled from the left."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity = capacity  # positions
        self.length = 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        def room(states: torch.Tensor) -> torch.Tensor:
            rows, heads, _, size = states.shape
            return states.new_empty(rows, heads, self.capacity, size)

        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys, self.values = room(key_states), room(value_states)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the states of new positions; returns those of all positions so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start, self.length = self.length, self.length + key_states.shape[-2]
        self.keys[:, :, start : self.length] = key_states
        self.values[:, :, start : self.length] = value_states
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def get_seq_length(self) -> int:
        return self.length

    def get_max_length(self) -> int:
        return self.capacity

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Make row i what row ``beam_idx[i]`` was. Fewer rows: only those that move are copied."""
        rows = len(beam_idx)
        if rows > len(self.keys):
            self.keys = self.keys.index_select(0, beam_idx)
            self.values = self.values.index_select(0, beam_idx)
            return
        moved = (beam_idx != torch.arange(rows, device=beam_idx.device)).nonzero()[:, 0]
        for states in (self.keys, self.values):
            if len(moved):
                states[moved, :, : self.length] = states[beam_idx[moved], :, : self.length]
        self.keys, self.values = self.keys[:rows], self.values[:rows]


def preallocated_cache(config: Any, capacity: int) -> DynamicCache:
    """A cache for a model of this config: room for `capacity` positions, prompt and report."""
    cache = DynamicCache(config=config)
    # exactly this class: its subclasses are the special layers
    cache.layers = [
        PreallocatedLayer(capacity) if type(layer) is DynamicLayer else layer
        for layer in cache.layers
    ]
    return cache
