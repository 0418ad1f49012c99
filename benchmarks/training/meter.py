"""What a trainer trains on and how long it takes, watched from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine

Work = Callable[[Sequence[int], int], float]
"""Lengths of the sequences, number of scored tokens -> floating-point operations."""


@dataclass
class Meter:
    """Counts what a trainer trains on, from its second step on."""

    work: Work
    rows: int = 0
    tokens: int = 0
    computed: int = 0
    flops: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    lays_end_to_end: bool = False  # computes no padding, whatever the batch has
    _begun: float = field(default=0.0, repr=False)

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds

    @property
    def padding(self) -> float:
        """Share of the computed tokens that are padding."""
        return 1 - self.tokens / self.computed

    def mfu(self, peak_flops: float) -> float:
        """Model FLOPs utilisation: what the model needs, by `work`, of what the machine could."""
        return self.flops / self.seconds / peak_flops

    def attach(self, trainer: Any) -> None:
        """Watch the trainer's steps, by its own entry points."""
        from transformers import TrainerCallback

        step, meter = trainer.training_step, self

        def counted(model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
            if meter._begun:
                meter._count(inputs)
            return step(model, inputs, *rest)

        class Clock(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, *args: Any, **kwargs: Any) -> None:
                now = machine.now()
                if meter._begun:
                    meter.steps += 1
                    meter.seconds = now - meter._begun
                else:
                    meter._begun = now

        trainer.training_step = counted
        trainer.add_callback(Clock())

    def _count(self, inputs: dict[str, Any]) -> None:
        if "cu_seq_lens_q" in inputs:
            lengths = inputs["cu_seq_lens_q"].diff()
        else:
            lengths = inputs["attention_mask"].sum(dim=1)
        scored = inputs.get("completion_mask")
        n_scored = (inputs["labels"] != -100 if scored is None else scored).sum()
        self.rows += len(lengths)
        self.tokens += int(lengths.sum())
        own = self.lays_end_to_end
        self.computed += int(lengths.sum()) if own else inputs["input_ids"].numel()
        self.flops += self.work(lengths.tolist(), int(n_scored))


def lora_work(config: Any, n_weights: int) -> Work:
    """What LoRA on a causal model of `n_weights` takes: the convention of `benchmarks.training`."""
    head = config.vocab_size * config.hidden_size
    body = n_weights - head if config.tie_word_embeddings else n_weights - 2 * head
    width = config.num_attention_heads * config.head_dim

    def work(lengths: Sequence[int], scored: int) -> float:
        attention = 6 * config.num_hidden_layers * width * sum(one**2 for one in lengths)
        return float(4 * body * sum(lengths) + 4 * head * scored + attention)

    return work


@contextmanager
def watching(meter: Meter) -> Iterator[None]:
    """Let the meter see the trainers of our own trainings, just before they run."""
    from synthfr import resume

    train = resume.train

    def watched(trainer: Any, scratch: Path) -> None:
        meter.attach(trainer)
        train(trainer, scratch)

    resume.train = watched
    try:
        yield
    finally:
        resume.train = train
