"""Bytes that a training takes on one GPU: formulas.

What is kept for the backward pass is counted tensor by tensor, as autograd saves it (transformers
5.19, peft 0.21, one fused attention kernel); tests compare the count with what autograd really
saves for tiny models. What is held for a moment only, and the libraries' own, are stated
allowances: no figure here was measured on a GPU.

Words: `b`, bytes of a number in a product, 2 in bfloat16 (the products' type under autocast), 4 in
float32; norms are computed in float32 either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthfr.coding.plm_icd import PlmIcdSettings
from synthfr.models.architecture import Architecture
from synthfr.models.footprint import BYTES
from synthfr.training.common import Lora, Training

if TYPE_CHECKING:
    from synthfr.coding.fine_tuning import FineTuning
    from synthfr.coding.label_attention import Head

# value, gradient and two moments of Adam (Kingma and Ba 2015) of a trained weight, in float32
TRAINED_BYTES = 16
# TRL 1.16 never holds all logits: tokens and words of a tile of them (trl/kernels/chunked_logprob)
TILE_TOKENS, TILE_WORDS = 4096, 32768
CONTEXT_BYTES = 1 << 30  # allowance: CUDA, cuBLAS and NCCL
LOST_SHARE = 0.1  # allowance: of what comes and goes, lost between blocks of the allocator


def lora_training(
    size: Architecture, how: Training, texts: int, processes: int
) -> dict[str, float]:
    """Of LoRA training (Hu et al. 2021) with `texts` of ``how.max_length`` tokens at once. The
    reference of DPO reads the same texts before, without a backward pass: it takes less.
    """
    b = BYTES[how.precision]
    tokens = texts * how.max_length
    layer = decoder_layer(size, how.lora, b) * tokens
    kept = b * size.hidden * size.layers * tokens  # each layer's input
    kept = kept + layer if how.gradient_checkpointing else size.layers * layer
    trained = size.lora_parameters(how.lora.r, how.lora.target_modules)
    adapter = trained * (TRAINED_BYTES + (b if b < 4 else 0))  # autocast keeps a copy
    moving = kept + backward_layer(size, how.lora, b) * tokens + head(size, tokens, b)
    split = processes if how.distributed.strategy == "fsdp" else 1
    return {
        "weights": _frozen(size, how, split),
        "adapter": adapter + (4 * trained if processes > 1 else 0),  # gradients under way
        "activations": moving * (1 + LOST_SHARE),
        "CUDA": CONTEXT_BYTES,
    }


def decoder_layer(size: Architecture, lora: Lora, b: int | float) -> float:
    """Bytes that autograd keeps of one token in one layer of a decoder whose weights are frozen.

    Of frozen linear modules nothing is kept; each module with an adapter keeps its input (in
    bfloat16 a copy of its own, since peft raises it to float32 before) and the `r` numbers between
    the adapter's matrices.
    """
    hidden, queries, keys = size.hidden, size.query_width, size.key_width
    norms = 2 * (4 * hidden + 4)
    if size.query_norm:
        norms += 4 * (queries + keys) + 4 * (size.heads + size.kv_heads)
    attention = b * (2 * queries + 2 * keys) + 4 * size.heads  # q, k, v, output; log sums
    feed_forward = 3 * b * size.intermediate * (size.active_experts or 1)
    if size.experts:
        feed_forward += 2 * b * hidden * size.active_experts + 4 * size.experts
    modules = size.lora_modules(lora.target_modules)
    adapters = b * lora.r * len(modules)
    inputs = {name: width for name, (width, _) in modules.items()}
    if b < 4:
        adapters += b * sum(inputs.values())
    else:  # one tensor for all modules that read it; attention's output is kept already
        shared = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"), ("down_proj",))
        adapters += b * sum(max(inputs.get(name, 0) for name in names) for names in shared)
    return norms + attention + feed_forward + adapters


def encoder_layer(size: Architecture, b: int | float) -> float:
    """The same of an encoder that is trained as a whole: inputs of linear modules are kept too.

    Exact for ModernBERT; of BERT's kin, whose attention has dropout, about.
    """
    norms = 2 * (4 * size.hidden + 8)
    if size.family == "modernbert":
        products = 8 * size.hidden + 4 * size.intermediate
    else:
        products = 12 * size.hidden + 2 * size.intermediate
    return norms + b * products + 4 * size.heads


def backward_layer(size: Architecture, lora: Lora, b: int | float) -> float:
    """Allowance for what is there for a moment while a layer goes backwards, of one token:
    gradients of the three inner tensors of the feed-forward block, of the hidden state in float32
    three times, and peft's float32 copy of the widest input.
    """
    widths = [width for width, _ in size.lora_modules(lora.target_modules).values()]
    copy = 4 * max(widths, default=0) if b < 4 else 0
    inner = size.intermediate * (size.active_experts or 1)
    return 3 * b * inner + 12 * size.hidden + copy


def head(size: Architecture, tokens: int, b: int | float) -> float:
    """The last hidden state once more, its gradient in float32 and in `b`, and a tile of logits."""
    tile = min(tokens, TILE_TOKENS) * min(size.vocabulary, TILE_WORDS) * b
    return tokens * size.hidden * (2 * b + 4) + tile


def whole_decoder_layer(size: Architecture, b: int | float) -> float:
    """The same of a decoder that is trained as a whole (exact where it has no experts): norms keep
    their result too. Under autocast each linear module has a copy of its own of what it reads.
    """
    hidden, queries, keys = size.hidden, size.query_width, size.key_width
    norms: float = 2 * (8 * hidden + 4)
    if size.query_norm:
        norms += (4 + b) * (queries + keys) + 4 * (size.heads + size.kv_heads)
    inputs = b * hidden * (5 if b < 4 else 2)
    attention = b * (2 * queries + 2 * keys) + 4 * size.heads
    return norms + inputs + attention + 4 * b * size.intermediate * (size.active_experts or 1)


def label_head(kind: Head, hidden: int, n_labels: int, b: int | float) -> float:
    """Bytes that PLM-ICD's head keeps of one token: states and what it makes of them, attention in
    float32 and its copy; and, before it, the last norm and the table of all chunks' states.
    """
    tensors = (3 if kind == "cross_attention" else 2) + (1 if b < 4 else 0)
    return b * hidden * tensors + n_labels * (4 + (b if b < 4 else 0)) + 12 * hidden


def head_weights(how: FineTuning, hidden: int, n_labels: int) -> int:
    """Weights of a coder's head. An encoder's: a row for each label."""
    labels = hidden * n_labels
    if not isinstance(how, PlmIcdSettings):
        return labels + n_labels
    if how.head == "cross_attention":  # keys, values, norm, queries, one output for all labels
        return 2 * hidden**2 + hidden + 2 * hidden + labels + hidden + 1
    return hidden**2 + 2 * labels + n_labels


def coder_training(size: Architecture, how: FineTuning, n_labels: int) -> dict[str, float]:
    """Of fine-tuning all weights of a coder, ``device_batch_size`` reports of full length at once.

    PLM-ICD reads all chunks of a batch, so that a report may be longer than the model's context;
    `published`, also the padding of the last one.
    """
    b = BYTES[how.precision]
    held, head = min(how.max_length, size.context), 0.0
    if isinstance(how, PlmIcdSettings):
        whole = -(-how.max_length // how.chunk_tokens) * how.chunk_tokens
        held = whole if how.published else how.max_length
        head = label_head(how.head, size.hidden, n_labels, b)
    tokens = how.device_batch_size * held
    layer = encoder_layer(size, b) if size.is_encoder else whole_decoder_layer(size, b)
    moving = tokens * (size.layers * layer + head + 3 * b * size.intermediate + 12 * size.hidden)
    weights = size.parameters + head_weights(how, size.hidden, n_labels)
    return {
        "weights": weights * (4 + (b if b < 4 else 0)),  # autocast keeps a copy
        "gradients and Adam": weights * (TRAINED_BYTES - 4),
        "activations": moving * (1 + LOST_SHARE),
        "CUDA": CONTEXT_BYTES,
    }


def _frozen(size: Architecture, how: Training, split: int) -> float:
    """The frozen weights. In 4 bits (QLoRA, Dettmers et al. 2023) are those of linear modules;
    embeddings and the head stay. FSDP splits them, and gathers one layer at a time.
    """
    b = BYTES[how.precision]
    words = size.vocabulary * size.hidden * (1 if size.tied else 2)
    if how.quantisation == "nf4":
        return words * BYTES["bfloat16"] + (size.parameters - words) * BYTES["nf4"]
    gathered = max(size.parameters - words, 0) / size.layers + words if split > 1 else 0
    return b * (size.parameters / split + gathered)
