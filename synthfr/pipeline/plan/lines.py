"""A line of the plan, and the assumptions that its figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# One GPU of the H100 class. Writing: a 4B model at 8 000 tokens a second (datatrove's benchmark of
# vLLM 0.15 on one H100), in inverse proportion to the weights a token passes through; reading a
# prompt is taken to be ten times as fast.
WRITTEN_PER_S_OF_4B = 8_000.0
READ_TO_WRITTEN = 10.0
PEAK_FLOPS = 989e12  # bfloat16, dense
TRAINING_SHARE, ENCODING_SHARE = 0.4, 0.3  # of the peak
LORA_FLOPS, FORWARD_FLOPS, FULL_FLOPS = 4, 2, 6  # a weight and token; LoRA: no weight gradients
REPORT_SHARE = 1 / 3  # of max_new_tokens, that a report uses on average
PROMPT_TOKENS = 150
TINY_TOKENS_PER_S = 3_000.0  # of the shipped base on one CPU core, written or trained on
# Read by a kept coder of one layer of the shipped base, on one CPU core: measured on the demo
# (seed 0; 11.4 M tokens that train_coder, judge_coder and reference_coder trained on, validated on
# or judged, in 798 s of the stages' clock, their starts included).
TINY_CODED_PER_S = 14_000.0
CODERS = ("classify", "train_coder", "judge_coder", "reference_coder")  # have models of their own


@dataclass(frozen=True)
class Line:
    """One stage's share, all its rounds or steps together. `tokens` read or written; `core_s`:
    seconds of one CPU core, where such a stage was measured on one.
    """

    stage: str
    what: str
    tokens: float = 0.0
    steps: int = 0
    gpu_hours: float = 0.0
    disk_bytes: float = 0.0
    core_s: float = 0.0


def summed(what: str, lines: Iterable[Line]) -> Line:
    """The line ``total``, without seconds of a core, which few stages have."""
    every = list(lines)
    return Line(
        "total",
        what,
        sum(line.tokens for line in every),
        sum(line.steps for line in every),
        sum(line.gpu_hours for line in every),
        sum(line.disk_bytes for line in every),
    )


def core_minutes(lines: Iterable[Line]) -> float:
    """Minutes of one CPU core that a loop over the shipped base takes, at its `TINY_TOKENS_PER_S`
    where a stage has no measured seconds; without `unmeasured` stages.
    """
    every = list(lines)
    left_out = unmeasured(every)
    told = [line for line in every if line.stage not in left_out]
    return sum(line.core_s or line.tokens / TINY_TOKENS_PER_S for line in told) / 60


def unmeasured(lines: Iterable[Line]) -> list[str]:
    """Stages whose coders are other models than the shipped base: nobody knows their seconds."""
    return [
        line.stage for line in lines if line.stage in CODERS and line.tokens and not line.core_s
    ]


def report_tokens(max_new_tokens: int) -> float:
    """Tokens that a report is taken to have."""
    return max_new_tokens * REPORT_SHARE
