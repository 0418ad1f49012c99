"""Membership by an auxiliary model: the shipped tiny base, trained further on the synthetic texts.
A private report whose loss falls by a larger part than that of others has left traces in them: the
loss before the training is the reference (a ratio of losses, as Carlini et al. 2021, arXiv
2012.07805, compare models).

Training is no sum over texts: the state is the texts, and the work is in `finding`, minutes for
every set. So its detection limit is out of reach, and it is off by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthfr import seeding
from synthfr.models.base import TINY_BASE
from synthfr.privacy.findings import Finding
from synthfr.privacy.membership.attack import membership_finding
from synthfr.privacy.membership.settings import Membership
from synthfr.privacy.sides import Sides
from synthfr.text.tokens import composed

if TYPE_CHECKING:
    import torch

_MAX_TOKENS = 256  # of a text, the rest is cut; the model has 512 positions
_BATCH = 16
_LEARNING_RATE = 2e-3  # peak, falling to 0: full training of a model of 2 million weights


class TunedModel:
    """See the module. State: the synthetic texts."""

    name = "membership_tuned"

    def __init__(self, sides: Sides, settings: Membership, random_seed: int) -> None:
        self._sides, self._epochs, self._random_seed = sides, settings.tuned_epochs, random_seed

    def measure(self, texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(texts)

    def join(self, one: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
        return one + more

    def scores(self, state: tuple[str, ...]) -> NDArray[np.float64]:
        """By what part the loss of each private report falls, shape (n_reports,)."""
        model = _loaded()
        self._train(model, self._encoded([composed(text) for text in state]))
        return 1 - _losses(model, self._reports) / self._before

    def finding(self, state: tuple[str, ...]) -> Finding:
        return membership_finding(self.name, self._sides, self.scores(state), self._random_seed)

    @cached_property
    def _reports(self) -> list[list[int]]:
        return self._encoded(self._sides.texts)

    @cached_property
    def _before(self) -> NDArray[np.float64]:
        return _losses(_loaded(), self._reports)

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each text, between two ends: the first token has something before it too."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(TINY_BASE / "tokenizer.json"))
        return [[0, *one.ids[:_MAX_TOKENS], 0] for one in tokenizer.encode_batch(list(texts))]

    def _train(self, model: Any, texts: list[list[int]]) -> None:
        import torch

        rng = seeding.rng(self._random_seed, "auxiliary model")
        orders = [rng.permutation(len(texts)) for _ in range(self._epochs)]
        batches = [
            order[start : start + _BATCH]
            for order in orders
            for start in range(0, len(texts), _BATCH)
        ]
        optimiser = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE, weight_decay=0.0)
        falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, max(1, len(batches)))
        model.train()
        for batch in batches:
            nats, counted = _token_losses(model, [texts[i] for i in batch])
            (nats.sum() / counted.sum()).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            falling.step()
            optimiser.zero_grad()
        model.eval()


def _loaded() -> Any:
    """The shipped base, in single precision; dropout it has none."""
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(TINY_BASE, dtype=torch.float32).eval()


def _losses(model: Any, texts: list[list[int]]) -> NDArray[np.float64]:
    """Mean loss a token of each text, in nats; texts of like length go together."""
    import torch

    losses = np.empty(len(texts))
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 4 * _BATCH):
            batch = order[start : start + 4 * _BATCH]
            nats, counted = _token_losses(model, [texts[i] for i in batch])
            losses[batch] = (nats.sum(1) / counted.sum(1)).numpy()
    return losses


def _token_losses(model: Any, texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of every token but the first, and which of them are no padding; (n_texts, n_tokens)."""
    import torch

    longest = max(map(len, texts))
    ids = torch.tensor([text + [0] * (longest - len(text)) for text in texts])
    lengths = torch.tensor([len(text) for text in texts])
    counted = torch.arange(1, longest) < lengths[:, None]
    # causal: padding behind a text changes nothing in it
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits
    nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return nats * counted, counted
