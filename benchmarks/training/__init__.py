"""Training speed: ours against TRL's defaults and against the original's padded chunks.

``python -m benchmarks.training [--model tiny|qwen3-4b] [--rows 96]``

The same rows, LoRA (r 32 on q, k, v, o), batch size and precision for all, one process each, one
after the other: a GPU in bfloat16 where there is one, else one CPU thread in float32. Contenders,
SFT: ours without padding; ours packed; TRL's trainer as it comes; 512-token chunks, each padded, as
in the original. DPO: ours, without padding, reference log-probabilities computed beforehand; TRL's
trainer as it comes, which computes them in every step. Weights are random (`qwen3-4b`: Qwen3-4B's
architecture), lengths are log-normal like those of reports.

Only tokens that are no padding count, for everyone; loading, the first step and checkpoints do not.
MFU counts 4 N floating-point operations a token, not 6 N: LoRA needs no gradients of the N frozen
weights (those of the head count for scored tokens only), plus 6 L d l² for causal attention over a
sequence of l tokens in L layers of width d. The adapter's own, the reference's and what gradient
checkpointing computes twice are not counted. The peak is the GPU's in dense bfloat16, or what one
matrix product reaches here.
"""
