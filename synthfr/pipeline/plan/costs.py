"""Tokens, optimiser steps, GPU hours and disk that a set of parameters amounts to. Orders of
magnitude, from stated assumptions (`plan.lines`); no measurement of this machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from synthfr.pipeline.plan import coder_costs
from synthfr.pipeline.plan.lines import (
    ENCODING_SHARE,
    FORWARD_FLOPS,
    LORA_FLOPS,
    PEAK_FLOPS,
    PROMPT_TOKENS,
    READ_TO_WRITTEN,
    TRAINING_SHARE,
    WRITTEN_PER_S_OF_4B,
    Line,
    report_tokens,
    summed,
)
from synthfr.pipeline.plan.models import size_of

if TYPE_CHECKING:
    from synthfr.pipeline.parameters import Params
    from synthfr.training.common import Training

_TINY = 2.4e6  # weights of the shipped base


def plan(params: Params, public_reports: int | None = None) -> list[Line]:
    """The lines of all stages that cost something, and their total at the end.

    `public_reports`: how many there are; where nobody has counted the user's, a thousand.
    """
    lines = [*_policy(params, public_reports), *_evaluation(params, public_reports)]
    if params.rounds:
        lines[2:2] = _rounds(params)
    return [*lines, summed(f"{len(params.steps)} steps", lines)]


def _policy(params: Params, public_reports: int | None) -> Iterator[Line]:
    total, _ = _base(params)
    copies = 3 if params.base.source == "hub" else 2  # models/base, DVC's cache, the hub's cache
    yield Line("base", f"{_weights(total)} weights, {copies} copies", disk_bytes=copies * 2 * total)
    if public_reports is None and params.seed.source == "demo":
        public_reports = params.seed.demo.public
    counted = " for every 1 000 public reports" if public_reports is None else ""
    reports = 1000 if public_reports is None else public_reports
    reports = round(reports / (1 - params.sft.teacher.share) * (1 - params.sft.validation_share))
    rows, max_new = reports, None
    if params.sft.batching == "chunked":  # a public report is taken to be as long as a written one
        max_new = params.synthesize.max_new_tokens
        rows *= math.ceil((report_tokens(max_new) + PROMPT_TOKENS) / params.sft.max_length)
    yield _training(
        "sft", f"{reports} reports x {params.sft.epochs:g} epochs{counted}", params, params.sft,
        n_reports=rows, n_texts=rows, epochs=params.sft.epochs, max_new=max_new,
    )  # fmt: skip


def _rounds(params: Params) -> Iterator[Line]:
    _, active = _base(params)
    per_report = report_tokens(params.generate.max_new_tokens)
    candidates = sum(one.prompts for one in params.rounds.values())
    candidates *= len(params.generate.temperatures)
    written = candidates * per_report
    yield Line(
        "generate", f"{candidates:,} candidates of {per_report:.0f} tokens", written,
        gpu_hours=_hours_written(written, active), disk_bytes=written * 4 + _merged(params),
    )  # fmt: skip
    if model := params.judge.loaded_model:
        weights, judge = size_of(model)
        asked = candidates
        if params.judge.kind == "pairwise":  # each pair in both orders
            asked *= len(params.generate.temperatures) - 1
        read = asked * (per_report + 2 * PROMPT_TOKENS)
        hours = _hours_written(read, judge) / READ_TO_WRITTEN
        hours += _hours_written(asked * params.judge.max_new_tokens / 2, judge)
        what = f"{asked:,} answers of {model}"
        yield Line("judge", what, read, gpu_hours=hours, disk_bytes=2 * weights)
    if model := params.similarity_judge.loaded_model:
        weights, judge = size_of(model)
        read = candidates * (2 * per_report + 2 * PROMPT_TOKENS)
        hours = _hours_written(read, judge) / READ_TO_WRITTEN
        hours += _hours_written(candidates * params.similarity_judge.max_new_tokens / 2, judge)
        what = f"{candidates:,} answers of {model}, beside the private documents"
        yield Line("similarity_judge", what, read, gpu_hours=hours, disk_bytes=2 * weights)
    if params.score.evaluator.kind == "discriminator":
        yield Line("score", f"{candidates:,} candidates by a linear classifier", written)
    else:
        yield _compared(params, candidates, per_report)
    caps = (params.pair.max_pairs, params.pair.best_candidates)
    known = [cap for cap in caps if cap is not None]
    pairs = min([*known, *(one.prompts for one in params.rounds.values())])
    epochs = sum(one.epochs for one in params.rounds.values())
    pairs = round(pairs * (1 - params.dpo.validation_share))
    yield _training(
        "dpo", f"{pairs:,} pairs x {epochs:g} epochs over {len(params.rounds)} rounds", params,
        params.dpo, n_reports=pairs, n_texts=2 * pairs, epochs=epochs,
        max_new=params.generate.max_new_tokens,
    )  # fmt: skip


def _compared(params: Params, candidates: int, per_report: float) -> Line:
    """Scoring by comparison with the private documents, window by window."""
    evaluator = params.score.evaluator
    pretrained = evaluator.kind == "sentence_transformers"
    encoder, _ = size_of((pretrained and evaluator.sentence_transformers.model) or "")
    windows = max(1, math.ceil(per_report / params.score.stride_tokens) - 1)
    read = candidates * (per_report + windows * params.score.window_tokens)
    hours = FORWARD_FLOPS * encoder * read / (ENCODING_SHARE * PEAK_FLOPS) / 3600
    return Line("score", f"{windows} windows a candidate", read, gpu_hours=hours)


def _evaluation(params: Params, public_reports: int | None) -> Iterator[Line]:
    _, active = _base(params)
    per_report = report_tokens(params.synthesize.max_new_tokens)
    written = len(params.steps) * params.synthesize.reports * per_report
    yield Line(
        "synthesize", f"{len(params.steps)} x {params.synthesize.reports:,} reports", written,
        gpu_hours=_hours_written(written, active), disk_bytes=written * 4,
    )  # fmt: skip
    yield from coder_costs.of_grid(params)
    yield from coder_costs.of_kept(params, public_reports)


def _training(
    stage: str,
    what: str,
    params: Params,
    how: Training,
    *,
    n_reports: int,
    n_texts: int,
    epochs: float,
    max_new: int | None,
) -> Line:
    """`n_reports` rows of the trainer's batches, which hold `n_texts` texts."""
    total, _ = _base(params)
    each = min(how.max_length, report_tokens(max_new or how.max_length) + PROMPT_TOKENS)
    tokens = n_texts * each * epochs
    flops = LORA_FLOPS * total * tokens
    if stage == "dpo":  # the reference reads each pair once a round
        flops += FORWARD_FLOPS * total * n_texts * each * len(params.rounds)
    steps = math.ceil(n_reports / how.batch_size * epochs)
    hours = flops / (TRAINING_SHARE * PEAK_FLOPS) / 3600
    adapters = len(params.rounds) if stage == "dpo" else 1
    lora = 4 * 0.004 * total * how.lora.r / 32  # float32; r 32 on attention: 0.4 % of the weights
    return Line(stage, what, tokens, steps, hours, adapters * 2 * lora)


def _base(params: Params) -> tuple[float, float]:
    if params.base.source == "tiny":
        return _TINY, _TINY
    return size_of(params.base.repo_id or params.base.path or "")


def _merged(params: Params) -> float:
    """Bytes of merged policies: the one in use and the one before."""
    engine = params.generate.engine == "vllm" and params.engines.vllm.policy == "merged"
    return 2 * 2 * _base(params)[0] if engine else 0.0


def _hours_written(tokens: float, active: float) -> float:
    return tokens / (WRITTEN_PER_S_OF_4B * 4e9 / active) / 3600 if active else 0.0


def _weights(count: float) -> str:
    return f"{count / 1e9:.1f} G" if count >= 1e9 else f"{count / 1e6:.1f} M"
