"""Decoding's own attention and cache against transformers' and torch's."""

import torch
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from synthfr.engines.transformers.grouped_attention import NAME, grouped_attention, grouped_decoding
from synthfr.engines.transformers.kv_cache import PreallocatedLayer, preallocated_cache
from tests import tiny


def states(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Module(torch.nn.Module):
    num_key_value_groups = 3
    is_causal = True


def test_grouped_attention_is_sdpa() -> None:
    query, key, value = states(4, 6, 1, 8), states(4, 2, 9, 8, seed=1), states(4, 2, 9, 8, seed=2)
    mask = torch.zeros(4, 1, 1, 9).masked_fill(states(4, 1, 1, 9, seed=3) > 0, -3e38)
    for given in (mask, None):
        own, _ = grouped_attention(Module(), query, key, value, given, scaling=0.3)
        theirs, _ = sdpa_attention_forward(Module(), query, key, value, given, scaling=0.3)
        assert own.shape == theirs.shape == (4, 1, 6, 8)
        torch.testing.assert_close(own, theirs)
    other, _ = grouped_attention(Module(), query, key, value, mask, scaling=0.4)
    assert not torch.allclose(other, own)


def test_the_models_own_attention_comes_back() -> None:
    model = tiny.model()
    with grouped_decoding(model):
        assert model.config._attn_implementation == NAME
    assert model.config._attn_implementation == "sdpa"
    model.set_attn_implementation("eager")
    with grouped_decoding(model):  # someone chose: left alone
        assert model.config._attn_implementation == "eager"


def test_preallocated_layer_holds_what_a_growing_one_holds() -> None:
    own, theirs = PreallocatedLayer(16), DynamicLayer()
    for n, seed in ((5, 0), (1, 1)):
        both = states(3, 2, n, 4, seed=seed), states(3, 2, n, 4, seed=seed + 9)
        for mine, other in zip(own.update(*both), theirs.update(*both), strict=True):
            assert torch.equal(mine, other)
    for rows in ([0, 0, 1, 2, 2], [4, 1, 0], [0, 1], [1]):  # copies, a gap filled, two cuts
        index = torch.tensor(rows)
        own.reorder_cache(index)
        theirs.reorder_cache(index)
        both = states(len(rows), 2, 1, 4), states(len(rows), 2, 1, 4, seed=5)
        for mine, other in zip(own.update(*both), theirs.update(*both), strict=True):
            assert torch.equal(mine, other)
    assert own.get_seq_length() == theirs.get_seq_length() == 10


def test_special_layers_keep_their_own_cache() -> None:
    from transformers import MistralConfig

    config = MistralConfig(num_hidden_layers=2, sliding_window=8)
    assert not any(type(la) is PreallocatedLayer for la in preallocated_cache(config, 9).layers)
    plain = preallocated_cache(tiny.model().config, 9)
    assert [type(layer) for layer in plain.layers] == [PreallocatedLayer] * 2
