"""Choosing the next token of every row of a batch, each row with its own seed and sampling values.

A row's chance is one uniform number per token, the t-th of a counter-based generator (Philox)
keyed with the row's seed; the token is found by inverting the cumulative distribution. So a
sample neither depends on the other rows of the batch nor costs noise for the whole vocabulary.
Imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from synthfr.engines.protocol import Request

if TYPE_CHECKING:
    from synthfr.engines.structured import Grammars


def uniforms(seeds: Sequence[int], n: int) -> np.ndarray:
    """Numbers in [0, 1), shape (rows, n): row r depends on ``seeds[r]`` alone, more of them
    extend it.
    """
    return np.stack([np.random.Generator(np.random.Philox(key=seed)).random(n) for seed in seeds])


class Sampler:
    """Sampling state of the rows that are still being written."""

    def __init__(
        self, requests: Sequence[Request], device: torch.device, grammars: Grammars | None = None
    ) -> None:
        def column(values: list[float], dtype: torch.dtype) -> torch.Tensor:
            return torch.tensor(values, dtype=dtype, device=device)[:, None]

        longest = max(request.max_new_tokens for request in requests)
        numbers = uniforms([request.seed for request in requests], longest)
        self._uniforms = torch.from_numpy(numbers).to(device, torch.float32)
        self._temperature = column([request.temperature for request in requests], torch.float32)
        self._top_p = column([request.top_p for request in requests], torch.float32)
        self._top_k = column([request.top_k for request in requests], torch.int64)
        self._grammars = grammars  # of rows that follow a schema; None: there are none
        self._any_greedy = any(request.temperature == 0 for request in requests)
        self._any_truncated = any(r.top_p < 1 or r.top_k > 0 for r in requests)

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows, in this order."""
        self._uniforms = self._uniforms[rows]
        self._temperature = self._temperature[rows]
        self._top_p, self._top_k = self._top_p[rows], self._top_k[rows]
        if self._grammars is not None:
            self._grammars.keep(rows)

    def choose(self, logits: torch.Tensor, t: int) -> torch.Tensor:
        """The t-th new token of every row, shape (rows,), from logits of shape (rows,
        vocabulary).
        """
        logits = logits.float()
        if self._grammars is None:
            return self._choose(logits, t)
        return self._grammars.accept(self._choose(self._grammars.mask(logits), t))

    def _choose(self, logits: torch.Tensor, t: int) -> torch.Tensor:
        if not self._any_greedy:
            return self._sample(logits / self._temperature, t)
        greedy = self._temperature[:, 0] == 0
        sampled = self._sample(logits / self._temperature.masked_fill(greedy[:, None], 1.0), t)
        return torch.where(greedy, logits.argmax(-1), sampled)

    def _sample(self, scores: torch.Tensor, t: int) -> torch.Tensor:
        weights = (scores - scores.amax(-1, keepdim=True)).exp_()
        if self._any_truncated:
            weights *= self._allowed(weights)
        return self._invert(weights, t)

    def _allowed(self, weights: torch.Tensor) -> torch.Tensor:
        """Which tokens top_k leaves and then top_p, shape and order of `weights` (so that a row's
        token does not depend on whether other rows are truncated).
        """
        vocabulary = weights.shape[-1]
        limits = torch.where(self._top_k > 0, self._top_k, vocabulary)
        # no more than the largest top_k has to be sorted where every row has one
        widest = min(int(limits.max()), vocabulary)
        likeliest, tokens = weights.topk(widest, dim=-1)
        likeliest = likeliest * (torch.arange(widest, device=weights.device) < limits)
        mass = likeliest.cumsum(-1)
        # the smallest set that holds top_p of the mass
        inside = (mass - likeliest < self._top_p * mass[:, -1:]) | (self._top_p >= 1)
        inside &= likeliest > 0
        return torch.zeros_like(weights, dtype=torch.bool).scatter_(-1, tokens, inside)

    def _invert(self, weights: torch.Tensor, t: int) -> torch.Tensor:
        """Index drawn in proportion to `weights`: the first whose cumulative weight exceeds u x
        total.
        """
        cumulative = weights.cumsum(-1)
        total = cumulative[:, -1:]
        # u x total may round up to total, which no index exceeds
        below_total = torch.nextafter(total, torch.zeros_like(total))
        target = torch.minimum(self._uniforms[:, t : t + 1] * total, below_total)
        return torch.searchsorted(cumulative, target, right=True)[:, 0]
