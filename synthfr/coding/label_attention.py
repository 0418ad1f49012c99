"""The network of PLM-ICD: a pre-trained model that reads a report in chunks, and a head that
attends to all of its tokens once for each label.

Published: Huang, Tsai, Chen 2022 (PLM-ICD); Vu, Nguyen, Nguyen 2020 (LAAT, the label attention);
Edin et al. 2023 (medical-coding-reproducibility) and 2024 (explainable-medical-coding, the cross
attention). Shapes: n reports, T tokens, d hidden units, L labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

Head = Literal["label_attention", "cross_attention"]
_DEVIATION = 0.03  # of the heads' initial weights


class LabelAttention(nn.Module):
    """LAAT: Z = tanh(H W1), A = softmax of Z W2 over the tokens, V = A' H,
    logit_l = <W3_l, V_l> + b_l.
    """

    def __init__(self, hidden: int, n_labels: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden, hidden, bias=False)  # W1
        self.queries = nn.Linear(hidden, n_labels, bias=False)  # W2
        self.output = nn.Linear(hidden, n_labels)  # W3 and b
        _begin(self.projection.weight, self.queries.weight, self.output.weight)

    def forward(self, states: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits (n, L) and attention (n, L, T) for states (n, T, d); tokens that are not `real`
        (n, T) are not attended to.
        """
        scores = self.queries(torch.tanh(self.projection(states))).transpose(1, 2)
        attention = _softmax(scores, real)
        found = attention.to(states.dtype) @ states
        logits = (self.output.weight * found).sum(dim=2) + self.output.bias
        return logits.float(), attention


class CrossAttention(nn.Module):
    """A learnt query for each label over keys and values of the tokens: A = softmax of Q K',
    y = layer norm of A V, logit = <w, y> + b with one w for all labels.
    """

    def __init__(self, hidden: int, n_labels: int) -> None:
        super().__init__()
        self.keys = nn.Linear(hidden, hidden, bias=False)
        self.values = nn.Linear(hidden, hidden)
        self.queries = nn.Parameter(torch.empty(n_labels, hidden))
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, 1)
        _begin(self.keys.weight, self.values.weight, self.queries, self.output.weight)

    def forward(self, states: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """As `LabelAttention.forward`."""
        attention = _softmax(self.queries @ self.keys(states).transpose(1, 2), real)
        values = self.values(states)
        found = self.norm(attention.to(values.dtype) @ values)
        return self.output(found).squeeze(2).float(), attention


HEADS: dict[Head, type[LabelAttention] | type[CrossAttention]] = {
    "label_attention": LabelAttention,
    "cross_attention": CrossAttention,
}


class PlmIcd(nn.Module):
    """`encoder` reads chunks of `chunk_tokens` tokens, each as a text of its own; the head attends
    to the tokens of all chunks of a report.

    Padding has no part in it, neither in the encoder's attention nor in the head's, and a chunk of
    padding alone is not even read. `published`: padding takes part in both, as in the code that the
    published figures come from, and so a report's logits depend on the longest one of its batch.
    """

    def __init__(
        self, encoder: Any, head: Head, n_labels: int, chunk_tokens: int, published: bool
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = HEADS[head](encoder.config.hidden_size, n_labels)
        self.chunk_tokens = chunk_tokens
        self.published = published

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """``logits``, shape (n, L), float32, for what `collate` makes."""
        return {"logits": self.read(input_ids, attention_mask)[0]}

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, L) of token ids (n, T) padded on the right to a multiple of `chunk_tokens`,
        and attention (n, L, length of the longest; T if `published`). `attention_mask` is 1 for
        their own tokens.
        """
        chunks = input_ids.view(len(input_ids), -1, self.chunk_tokens)
        if self.published:
            every = self._states(chunks.flatten(0, 1), None)
            return self._logits(every.view(*input_ids.shape, -1), None)
        real = attention_mask.bool()
        lengths = real.view_as(chunks).sum(dim=2)
        states: Tensor | None = None
        # whole chunks need no mask; the last ones, long and short, are cut to the longest of them
        bounds = (0, self.chunk_tokens // 2, self.chunk_tokens - 1, self.chunk_tokens)
        for above, up_to in pairwise(bounds):
            which = (lengths > above) & (lengths <= up_to)
            if not which.any():
                continue
            longest = int(lengths[which].max())
            mask = real.view_as(chunks)[which][:, :longest] if longest < self.chunk_tokens else None
            read = self._states(chunks[which][:, :longest], mask)
            if states is None:
                states = read.new_zeros(*chunks.shape, read.shape[-1])
            states[which, :longest] = read
        if states is None:
            raise ValueError("a report without a token")
        # what no report of the batch reaches need not be weighed
        longest = int(lengths.sum(dim=1).max())
        return self._logits(states.flatten(1, 2)[:, :longest], real[:, :longest])

    def _states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        ones = torch.ones_like(ids) if mask is None else mask.long()
        states: Tensor = self.encoder(input_ids=ids, attention_mask=ones).last_hidden_state
        return states

    def _logits(self, states: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = self.head(states, real)
        return found


def collate(
    token_ids: list[list[int]], chunk_tokens: int, padding: int, least_tokens: int = 0
) -> dict[str, Tensor]:
    """A batch of reports, padded on the right to a multiple of `chunk_tokens` that holds the
    longest one, and `least_tokens`: ``input_ids`` and ``attention_mask``, shape (n, T).
    """
    longest = max(least_tokens, *map(len, token_ids))
    shape = (len(token_ids), -(-longest // chunk_tokens) * chunk_tokens)
    batch = {"input_ids": torch.full(shape, padding), "attention_mask": torch.zeros(shape).long()}
    for row, ids in enumerate(token_ids):
        batch["input_ids"][row, : len(ids)] = torch.tensor(ids)
        batch["attention_mask"][row, : len(ids)] = 1
    return batch


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Without dropout and without gradients, until the end of the block."""
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was)


def _softmax(scores: Tensor, real: Tensor | None) -> Tensor:
    """Over the tokens of scores (n, L, T), in float32 whatever their precision is."""
    scores = scores.float()
    if real is not None and not real.all():
        scores = scores.masked_fill(~real[:, None, :], -torch.inf)
    return torch.softmax(scores, dim=2)


def _begin(*weights: Tensor) -> None:
    for weight in weights:
        nn.init.normal_(weight, mean=0.0, std=_DEVIATION)
