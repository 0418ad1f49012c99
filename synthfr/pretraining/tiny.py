"""Pre-trains the tiny base model that ships with the package, on the demo grammar's public side.

It stands where a real project downloads a pre-trained model, and is as replaceable. Made by
``synth-fr tiny-base``; the same settings, thread count and machine give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr import seeding
from synthfr.corpora.demo.knowledge import knowledge
from synthfr.corpora.demo.truth import MAX_PAST
from synthfr.pretraining.texts import MIXED, REPORTS_ONLY, texts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

END, PAD = "<|endoftext|>", "<|pad|>"
IGNORED = -100  # label of a token that carries no loss
PROGRESS_STEPS = 100

Progress = Callable[[int, float], None]
"""Is told tokens seen and the mean loss (nats a token) since it was last told."""


@dataclass(frozen=True)
class Phase:
    """A stretch of pre-training with a fresh optimizer; weights are rounded to float16 at its end,
    so that a saved model can be trained on. Its rate is constant, then falls linearly over the last
    `decay_share`.
    """

    stream: str  # names its own random stream of texts
    tokens: int
    mix: Mapping[str, float]  # of sorts of texts
    max_past: int  # antecedents of a stay, at most
    learning_rate: float
    decay_share: float


PHASES = (
    Phase("texts", 6_800_000, MIXED, max_past=3, learning_rate=2.5e-3, decay_share=0.3),
    Phase("reports", 1_200_000, REPORTS_ONLY, MAX_PAST, learning_rate=1.5e-3, decay_share=1.0),
)
"""Everything in all its variety first, in the end what the model will be asked for."""


@dataclass(frozen=True)
class TinyBase:
    """Architecture and schedule of the shipped base model."""

    seed: int = 0
    phases: tuple[Phase, ...] = PHASES
    template: str = "plain"
    vocabulary: int = 4096
    tokenizer_texts: int = 6000
    hidden_size: int = 192
    layers: int = 4
    head_dim: int = 32
    context: int = 512
    weight_decay: float = 0.05
    batch_size: int = 32
    warmup_steps: int = 60
    final_learning_rate_share: float = 0.02


def build(settings: TinyBase, out: Path, progress: Progress) -> None:
    """Trains and writes config, float16 safetensors and tokenizer to the folder ``out``."""
    tokenizer = train_tokenizer(settings)
    model = pretrain(settings, tokenizer, progress)
    model.half().save_pretrained(out)
    tokenizer.save_pretrained(out)


def train_tokenizer(settings: TinyBase) -> PreTrainedTokenizerFast:
    """Byte-level BPE over the first texts of the stream; it may need fewer pieces than allowed."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    first = settings.phases[0]
    rng = seeding.rng(settings.seed, "tokenizer")
    stream = texts(rng, knowledge(), settings.template, first.mix, first.max_past)
    bpe = Tokenizer(models.BPE(unk_token=None))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        islice(stream, settings.tokenizer_texts),
        trainers.BpeTrainer(
            vocab_size=settings.vocabulary,
            special_tokens=[END, PAD],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token=END, pad_token=PAD, padding_side="left"
    )


def new_model(settings: TinyBase, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """A Qwen3 architecture with random weights, drawn from ``settings.seed``."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seeding.derive(settings.seed, "weights"))
    heads = settings.hidden_size // settings.head_dim
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=settings.hidden_size,
            intermediate_size=3 * settings.hidden_size,
            num_hidden_layers=settings.layers,
            num_attention_heads=heads,
            num_key_value_heads=max(1, heads // 2),
            head_dim=settings.head_dim,
            max_position_embeddings=settings.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def pretrain(
    settings: TinyBase, tokenizer: PreTrainedTokenizerFast, progress: Progress
) -> Qwen3ForCausalLM:
    """All phases, one after the other."""
    model = new_model(settings, tokenizer)
    seen = 0
    for phase in settings.phases:
        seen = run_phase(model, settings, phase, tokenizer, progress, seen)
        for weights in model.parameters():
            weights.data = weights.data.half().float()
    return model.eval()


def run_phase(
    model: Qwen3ForCausalLM,
    settings: TinyBase,
    phase: Phase,
    tokenizer: PreTrainedTokenizerFast,
    progress: Progress,
    before: int = 0,
) -> int:
    """AdamW on always fresh text, loss on every token. Returns tokens seen, `before` included."""
    import torch
    from torch.nn.functional import cross_entropy

    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=phase.learning_rate,
        weight_decay=settings.weight_decay,
        betas=(0.9, 0.95),
        fused=True,
    )
    model.train()
    seen, losses = 0, []
    for step, batch in enumerate(_batches(settings, phase, tokenizer), start=1):
        if seen >= phase.tokens:
            break
        for group in optimizer.param_groups:
            group["lr"] = phase.learning_rate * rate(settings, phase, step, seen)
        width = max(map(len, batch))
        inputs = torch.tensor(
            [ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids in batch]
        )
        labels = torch.tensor([ids + [IGNORED] * (width - len(ids)) for ids in batch])
        hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state
        told = labels[:, 1:] != IGNORED  # no logits for padding
        loss = cross_entropy(model.lm_head(hidden[:, :-1][told]), labels[:, 1:][told])
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen += sum(map(len, batch))
        losses.append(loss.item())
        if step % PROGRESS_STEPS == 0 or seen >= phase.tokens:
            progress(before + seen, sum(losses) / len(losses))
            losses.clear()
    return before + seen


def rate(settings: TinyBase, phase: Phase, step: int, seen: int) -> float:
    """Share of the phase's learning rate at optimizer step `step`, after `seen` tokens."""
    warmed = min(1.0, step / settings.warmup_steps)
    left = 1.0 - seen / phase.tokens
    return warmed * max(settings.final_learning_rate_share, min(1.0, left / phase.decay_share))


def _batches(
    settings: TinyBase, phase: Phase, tokenizer: PreTrainedTokenizerFast
) -> Iterator[list[list[int]]]:
    """Batches of neighbours in length out of a small pool, so that little is padded."""
    rng = seeding.rng(settings.seed, phase.stream)
    stream = texts(rng, knowledge(), settings.template, phase.mix, phase.max_past)
    choice = seeding.rng(settings.seed, "batches")
    size = settings.batch_size
    pool: list[list[int]] = []
    while True:
        while len(pool) < 8 * size:
            fresh = tokenizer(list(islice(stream, 8 * size)))["input_ids"]
            pool += [[*ids, tokenizer.eos_token_id] for ids in fresh]
            pool.sort(key=len)
        start = int(choice.random() * (len(pool) - size))
        yield pool[start : start + size]
        del pool[start : start + size]
