"""What the blocks measure: the benchmarks of this folder, at the sizes of real models.

Each function yields its contenders (`synthfr.pipeline.gpu_record.CONTENDERS` names them and their
figures) at the size ``full`` or, for tests of the same path on a CPU, ``tiny``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import generation, machine, random_models
from benchmarks.gpu_check.blocks import Measured
from benchmarks.random_models import Architecture
from benchmarks.training import measuring
from benchmarks.training.meter import Meter, watching
from benchmarks.training.scale import SCALES, Scale, reports

Figures = dict[str, Any]

_SCALES: Mapping[str, Scale] = {
    "full": SCALES["qwen3-4b"],
    "tiny": Scale(20, 0.5, 96, checkpointing=True, architecture=random_models.QWEN3_TINY),
}
_ROWS = {"full": 480, "tiny": 24}  # the first step of 8 does not count
_PROMPTS = {"full": 100, "tiny": 2}
_NEW_TOKENS = {"full": generation.MAX_NEW_TOKENS, "tiny": 4}
_DOCUMENTS = {"full": (2800, 280), "tiny": (2, 1)}  # scored by ours, by the loops
_CODER_ROWS = {"full": 1024, "tiny": 12}
_CODER_BATCH = {"full": 32, "tiny": 4}
_LABELS = 50
_PLM_ICD = {"full": (480, 16, 2), "tiny": (3, 2, 1)}  # reports, at once, passes that count
_VLLM_PROMPTS = {"full": 250, "tiny": 2}


def sft(size: str) -> Measured:
    """Ours without padding, TRL's defaults, ours packed, padded chunks of 512."""
    for name in ("ours", "TRL", "ours packed", "512 chunks"):
        yield name, partial(_trained, name, size)


def dpo(size: str) -> Measured:
    """Ours without padding, TRL's defaults."""
    for name in ("ours", "TRL"):
        yield name, partial(_trained, f"DPO {name}", size)


def _trained(name: str, size: str) -> Figures:
    """Tokens a second of one epoch; what the reference took beforehand is a part of it."""
    scale, rows = _SCALES[size], _ROWS[size]
    found = measuring.measure(name, scale, rows)
    steps = -(-rows // scale.batch_size)
    seconds = found["seconds"] + found["reference_s"] * found["steps"] / steps
    kept = {key: found[key] for key in ("tokens", "padding", "mfu", "peak_gib", "reference_s")}
    return {"tokens_per_s": found["tokens"] / seconds, "seconds": seconds, **kept}


def transformers_06b(size: str) -> Measured:
    """Ours, `generate` report by report, `generate` in batches."""
    return _written(random_models.QWEN3_06B, size)


def transformers_4b(size: str) -> Measured:
    """The same of a larger model."""
    return _written(random_models.QWEN3_4B, size)


def _written(architecture: Architecture, size: str) -> Measured:
    architecture = architecture if size == "full" else random_models.QWEN3_TINY
    prompts = generation.prompts_of_demo(_PROMPTS[size])
    # 8 reports are enough of the loop
    task = generation.Task(prompts, _NEW_TOKENS[size], loop_share=len(prompts) // 2)

    def one(name: str) -> Figures:
        found = generation.measure(name, random_models.policy(architecture), task)
        kept = {key: found[key] for key in ("tokens_per_s", "tokens", "seconds")}
        return kept | {"peak_gib": machine.peak_gib()}

    contenders = {"ours": "engine", "loop": "generate loop", "batched": "generate batched"}
    for name, theirs in contenders.items():
        yield name, partial(one, theirs)


def vllm(size: str) -> Measured:
    """Ours and vLLM's own `generate` with our settings; a small model, so that what we add shows
    most.
    """
    from benchmarks import vllm as benchmark

    architecture = random_models.QWEN3_06B if size == "full" else random_models.QWEN3_TINY
    with tempfile.TemporaryDirectory() as folder:
        base = random_models.base(architecture, Path(folder) / "base")
        machine.fresh()  # the GPU is wholly vLLM's, which has processes of its own

        def one(name: str) -> Figures:
            found = benchmark.measure(name, base, _VLLM_PROMPTS[size])
            return {key: found[key] for key in ("tokens_per_s", "tokens", "seconds")}

        yield "ours", partial(one, "engine")
        yield "raw", partial(one, "raw vLLM")


def scoring(size: str) -> Measured:
    """Ours on all documents; the original's loops on a share of them, as their rate does not depend
    on the number. All must give the same scores.
    """
    from benchmarks import scoring as benchmark

    all_documents, share = _DOCUMENTS[size]
    architecture = random_models.XLMR_BASE if size == "full" else random_models.XLMR_TINY
    scores: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        encoder = benchmark.make_encoder(Path(folder), architecture)

        def one(name: str, documents: int) -> Figures:
            found = benchmark.measure(name, encoder, documents)
            scores.append(found["scores"][: share * benchmark.CANDIDATES])
            difference = max(max(each) - min(each) for each in zip(*scores, strict=True))
            if difference > benchmark.TOLERANCE:
                raise RuntimeError(f"its scores differ from ours by {difference:.1e}")
            candidates = documents * benchmark.CANDIDATES
            return {
                "texts_per_s": candidates / found["seconds"],
                "seconds": found["seconds"],
                "documents": documents,
                "peak_gib": machine.peak_gib(),
            }

        yield "ours", partial(one, "one pass", all_documents)
        yield "loop", partial(one, "loop", share)
        yield "loop by part", partial(one, "loop, by part", share)


def coder(size: str) -> Measured:
    """One epoch of fine-tuning; the first step and what is predicted afterwards do not count."""

    def ours() -> Figures:
        import numpy as np

        from synthfr import seeding
        from synthfr.coding.encoder import EncoderCoder, EncoderSettings

        full = size == "full"
        architecture = random_models.MODERNBERT_LARGE if full else random_models.MODERNBERT_TINY
        texts = reports(_SCALES[size], _CODER_ROWS[size])["completion"].tolist()
        rows = np.arange(len(texts))
        truth = seeding.rng(0, "benchmark", "codes").random((len(rows), _LABELS)) < 0.1
        meter = Meter(lambda lengths, scored: 0.0)
        with tempfile.TemporaryDirectory() as folder:
            encoder = random_models.encoder(architecture, Path(folder) / "encoder")
            settings = EncoderSettings(
                model=str(encoder),
                epochs=1,
                batch_size=_CODER_BATCH[size],
                device_batch_size=_CODER_BATCH[size],
                precision="bfloat16" if machine.device() == "cuda" else "float32",
            )
            trained = EncoderCoder(texts, settings, 0, Path(folder) / "scratch")
            with watching(meter):
                trained.scores(rows, truth, rows[:2])
        return {
            "reports_per_s": meter.rows / meter.seconds,
            "tokens_per_s": meter.tokens_per_s,
            "padding": meter.padding,
            "seconds": meter.seconds,
            "peak_gib": machine.peak_gib(),
        }

    yield "ours", ours


def plm_icd(size: str) -> Measured:
    """Forward, loss and backward over reports of 50 to 600 words; the first pass does not count.
    `difference`: between the logits of the two, which are the same but for roundings.
    """
    from benchmarks import plm_icd as benchmark

    documents, batch, passes = _PLM_ICD[size]
    texts = benchmark.long_reports(documents)
    contest = benchmark.Contest(texts, batch, full=size == "full")

    def one(name: str) -> Figures:
        contest.train(name)
        machine.fresh()
        seconds = min(contest.train(name) for _ in range(passes))
        return {
            "tokens_per_s": contest.tokens / seconds,
            "tokens": contest.tokens,
            "seconds": seconds,
            "peak_gib": machine.peak_gib(),
            "difference": contest.difference(),
        }

    for name in ("ours", "loop"):
        yield name, partial(one, name)
