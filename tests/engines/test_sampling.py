"""Next tokens: by hand, against transformers' own filters, and by frequency."""

import numpy as np
import pytest
import torch

from synthfr.engines.protocol import Request
from synthfr.engines.transformers.sampling import Sampler, uniforms

CPU = torch.device("cpu")


def request(seed: int = 0, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> Request:
    return Request("x", "p", seed, temperature, top_p, top_k, max_new_tokens=4)


def sampler(*requests: Request, numbers: list[float] | None = None) -> Sampler:
    made = Sampler(requests, CPU)
    if numbers is not None:
        made._uniforms = torch.tensor(numbers, dtype=torch.float32)[:, None]
    return made


def test_uniforms_depend_on_their_own_seed_alone() -> None:
    alone, together = uniforms([7], 5), uniforms([3, 7, 2**63 - 1], 5)
    assert (alone[0] == together[1]).all()
    assert (uniforms([7], 3)[0] == alone[0][:3]).all()
    assert (together[0] != together[1]).all()
    assert ((together >= 0) & (together < 1)).all()


def test_uniforms_stay_the_same_for_ever() -> None:
    # a golden value: another generator would change every data set made with the same seed
    assert uniforms([0], 2)[0] == pytest.approx([0.0115467543, 0.2415491966], abs=1e-9)


def test_inverse_of_the_cumulative_distribution_by_hand() -> None:
    numbers = [0.0, 0.05, 0.15, 0.29, 0.31, 0.9999]
    logits = torch.log(torch.tensor([0.1, 0.2, 0.7])).repeat(len(numbers), 1)
    chosen = sampler(*[request()] * len(numbers), numbers=numbers).choose(logits, 0)
    assert chosen.tolist() == [0, 0, 1, 1, 2, 2]


def test_impossible_tokens_are_never_drawn() -> None:
    numbers = [0.0, 0.5, 1 - 2**-24, 1 - 2**-53]  # the last one is 1 in float32
    logits = torch.tensor([-torch.inf, 0.0, 0.0, -torch.inf]).repeat(len(numbers), 1)
    chosen = sampler(*[request()] * len(numbers), numbers=numbers).choose(logits, 0)
    assert chosen.tolist() == [1, 2, 2, 2]


def test_temperature_zero_is_greedy_beside_sampled_rows() -> None:
    logits = torch.tensor([[0.0, 3.0, 0.0], [0.0, 3.0, 0.0]])
    chosen = sampler(request(temperature=0), request(), numbers=[0.999, 0.999]).choose(logits, 0)
    assert chosen.tolist() == [1, 2]


@pytest.mark.parametrize(("top_p", "top_k"), [(0.9, 0), (0.5, 0), (1.0, 3), (0.8, 5), (0.01, 0)])
def test_truncation_allows_what_transformers_allows(top_p: float, top_k: int) -> None:
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    logits = torch.randn(1, 12, generator=torch.Generator().manual_seed(1)) * 2
    kept = logits
    if top_k:
        kept = TopKLogitsWarper(top_k)(None, kept)
    if top_p < 1:
        kept = TopPLogitsWarper(top_p)(None, kept)
    allowed = set(kept.isfinite().nonzero()[:, 1].tolist())
    grid = np.linspace(0, 0.9999, 4000).tolist()
    made = sampler(*[request(top_p=top_p, top_k=top_k)] * len(grid), numbers=grid)
    drawn = made.choose(logits.repeat(len(grid), 1), 0)
    assert set(drawn.tolist()) == allowed
    shares = torch.bincount(drawn, minlength=12) / len(grid)
    assert torch.allclose(shares, kept.softmax(-1)[0], atol=2e-3)


def test_rows_have_their_own_truncation() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0]] * 3)
    rows = [request(top_k=1), request(top_p=0.7), request()]
    assert sampler(*rows, numbers=[0.99, 0.99, 0.99]).choose(logits, 0).tolist() == [0, 1, 2]


def test_frequencies_follow_the_temperature() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    n = 4000

    def shares(temperature: float) -> torch.Tensor:
        made = sampler(*[request(seed, temperature) for seed in range(n)])
        return torch.bincount(made.choose(logits.repeat(n, 1), 2), minlength=3) / n

    expected = (logits[0] / 0.7).softmax(-1)
    assert torch.allclose(shares(0.7), expected, atol=0.03)  # 4 standard errors
    assert not torch.allclose(shares(1.5), expected, atol=0.03)


def test_kept_rows_keep_their_numbers() -> None:
    logits = torch.zeros(3, 50)
    made = sampler(request(1), request(2), request(3))
    before = made.choose(logits, 1)
    made.keep(torch.tensor([2, 1]))
    assert made.choose(logits[:2], 1).tolist() == before[[2, 1]].tolist()
