"""Bytes that a model takes on one GPU while it writes or reads: formulas.

Weights and the cache of keys and values are exact; a test asks vLLM for a little more than fits by
this arithmetic, and is refused. Activations and the libraries' own are stated allowances: no
figure here was measured on a GPU.
"""

from __future__ import annotations

import math

from synthfr.engines.vllm.vllm_settings import VllmSettings
from synthfr.models.architecture import Architecture
from synthfr.models.footprint import BYTES
from synthfr.pipeline.plan.training_memory import CONTEXT_BYTES

GPU_BLOCK, CPU_BLOCK = 16, 128  # tokens whose keys and values vLLM keeps together
GRAPHS_BYTES = 1 << 30  # allowance: CUDA graphs of vLLM, none when `eager`
# tokens that vLLM 0.32 computes in one step unless told (EngineArgs, usage LLM_CLASS)
STEP_TOKENS, STEP_TOKENS_OF_LARGE = 8192, 16384
_LARGE_GPU = 70 << 30
_SAMPLER_COPIES = 3  # float32 rows of the vocabulary that a sampler holds for a text: allowance
ENCODED_TOKENS = 32768  # that scoring encodes at once on a GPU


def vllm_cache(size: Architecture, tokens: int, bytes_each: float, block: int = GPU_BLOCK) -> int:
    """Bytes without which vLLM refuses to start: whole blocks for one text of so many tokens, and
    the one block that it keeps back (vllm/v1/core/kv_cache_utils.py).
    """
    blocks = math.ceil(tokens / block) + 1
    return size.kv_cache(blocks * block, bytes_each)


def vllm(
    size: Architecture, how: VllmSettings, n_texts: int, gpu_bytes: float, adapter: int = 0
) -> dict[str, float]:
    """Of vLLM with `n_texts` at once, on each of the GPUs that hold one copy; `adapter`: weights of
    an attached one. Without the cache of more than one text, which takes what is left.
    """
    b = BYTES[how.dtype if how.dtype != "auto" else "bfloat16"]
    # keys and values are split by heads: not further than there are
    across = min(how.tensor_parallel, size.kv_heads) * how.pipeline_parallel
    graphs = 0 if how.eager else GRAPHS_BYTES
    return {
        "weights": b * (size.parameters + adapter) / how.gpus_each,
        "cache of one text": vllm_cache(size, longest(size, how), b) / across,
        "activations": reading(size, step_tokens(how, gpu_bytes), b) / how.tensor_parallel
        + sampler(size, n_texts),
        "CUDA": CONTEXT_BYTES + graphs,
    }


def longest(size: Architecture, how: VllmSettings) -> int:
    """Tokens of the longest text, prompt included, that vLLM is to take."""
    return how.max_model_len or size.context


def step_tokens(how: VllmSettings, gpu_bytes: float) -> int:
    """Tokens that vLLM computes in one step."""
    own = STEP_TOKENS_OF_LARGE if gpu_bytes >= _LARGE_GPU else STEP_TOKENS
    return how.max_batched_tokens or own


def transformers(
    size: Architecture, n_texts: int, prompt_tokens: int, new_tokens: int
) -> dict[str, float]:
    """Of the transformers engine, in bfloat16: all texts' keys and values at full length."""
    b = BYTES["bfloat16"]
    return {
        "weights": b * size.parameters,
        "cache": size.kv_cache(n_texts * (prompt_tokens + new_tokens), b),
        "activations": reading(size, n_texts * prompt_tokens, b) + sampler(size, n_texts),
        "CUDA": CONTEXT_BYTES,
    }


def encoding(size: Architecture) -> dict[str, float]:
    """Of an encoder of texts in float32."""
    return {
        "weights": 4 * size.parameters,
        "activations": reading(size, ENCODED_TOKENS, 4),
        "CUDA": CONTEXT_BYTES,
    }


def reading(size: Architecture, tokens: int, b: float) -> float:
    """Allowance for activations of a pass without gradients, of which one layer's are there at a
    time: hidden state and residual, queries, keys, values and output, the feed-forward block.
    """
    experts = size.active_experts
    inner = 3 * size.intermediate * (experts or 1) + size.hidden * experts
    return tokens * b * (2 * size.hidden + 2 * size.query_width + 2 * size.key_width + inner)


def sampler(size: Architecture, n_texts: int) -> float:
    """Allowance for the logits of the next word, and what sampling makes of them."""
    return _SAMPLER_COPIES * 4 * n_texts * size.vocabulary
