"""What coders cost that fine-tune a model: those of ``classify``, and those that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from synthfr.coding.sampling import split_sample
from synthfr.pipeline.plan import models
from synthfr.pipeline.plan.lines import (
    ENCODING_SHARE,
    FORWARD_FLOPS,
    FULL_FLOPS,
    PEAK_FLOPS,
    TINY_CODED_PER_S,
    Line,
    report_tokens,
)
from synthfr.pipeline.plan.training_memory import head_weights

if TYPE_CHECKING:
    from synthfr.coding.fine_tuning import FineTuning
    from synthfr.pipeline.parameters import Params

_COPIES = 2  # models/coder, DVC's cache


def of_grid(params: Params) -> Iterator[Line]:
    """The line of ``classify``, where its coder is fine-tuned."""
    if (how := params.classify.coder.fine_tuned) is None:
        return
    each = min(report_tokens(params.synthesize.max_new_tokens), how.max_length)
    # the unbiased evaluation trains once for all label spaces, the original's once for each
    spaces = {"unbiased": 1, "original": len(params.classify.top_k)}
    trainings = sum(spaces[name] for name in params.classify.evaluations)
    trainings *= len(params.classify.seeds) * (len(params.steps) + 2)  # and two references
    reports = sum(params.classify.sizes) * trainings
    tokens = reports * how.epochs * each
    steps = round(reports * how.epochs / how.batch_size)
    hours = FULL_FLOPS * _weights(params, how) * tokens / (ENCODING_SHARE * PEAK_FLOPS) / 3600
    what = f"{trainings * len(params.classify.sizes)} trainings of {how.model}, at most"
    yield Line("classify", what, tokens, steps, hours)


def of_kept(params: Params, public_reports: int | None) -> Iterator[Line]:
    """Of ``train_coder``, ``judge_coder`` and ``reference_coder``; none without seeds.

    `public_reports`: how many there are, None where nobody counted. Real reports are taken to be as
    long as synthetic ones; a training is taken to have all its epochs.
    """
    if not params.has("train_coder") or not (seeds := len(params.train_coder.seeds)):
        return
    how, (name, size) = params.train_coder, models.coder(params, params.train_coder)
    layers = "" if how.layers is None else f", {how.layers} layer{'s' if how.layers > 1 else ''}"
    each = min(report_tokens(params.synthesize.max_new_tokens), how.max_length)
    holdout, counted = 1000, " for every 1 000 there are"
    if params.seed.source == "demo":
        holdout, counted = params.seed.demo.private_holdout, ""

    def line(stage: str, what: str, trainings: int, judged: int, disk: float = 0.0) -> Line:
        n_trained, n_watched, steps = _of_one(params)
        trained, watched = (trainings * n * how.epochs * each for n in (n_trained, n_watched))
        flops = _weights(params, how) * (FULL_FLOPS * trained + FORWARD_FLOPS * watched)
        tokens = trained + watched + judged * holdout * each
        measured = models.is_base(how) and params.base.source == "tiny" and size is not None
        return Line(
            stage, what, tokens, trainings * steps, flops / (ENCODING_SHARE * PEAK_FLOPS) / 3600,
            disk, tokens * size.layers / TINY_CODED_PER_S if measured and size else 0.0,
        )  # fmt: skip

    coders = seeds * len(params.steps)
    what = f"{coders} trainings of {name}{layers} ({seeds} seeds x {len(params.steps)} steps)"
    disk = _COPIES * 4.0 * coders * _weights(params, how)
    yield line("train_coder", f"{what}, at most", coders, 0, disk)
    what = f"{coders} coders x {holdout:,} holdout reports{counted}, on the CPU"
    yield line("judge_coder", what, 0, coders)
    if sets := _real_sets(params, public_reports):
        what = f"{seeds * sets} trainings of {name}{layers} ({seeds} seeds x {sets} of real reports"
        yield line("reference_coder", f"{what}), at most", seeds * sets, seeds * sets)


def _of_one(params: Params) -> tuple[int, int, int]:
    """Of one kept coder: reports that train it, reports that are looked at after every epoch, and
    optimiser steps.
    """
    how, size = params.train_coder, max(params.classify.sizes)
    split = split_sample(np.arange(size), size, params.classify)
    steps = round(-(-len(split.fit) // how.batch_size) * how.epochs)
    return len(split.fit), len(split.validation), steps


def _real_sets(params: Params, public_reports: int | None) -> int:
    """Public seed and private train reports, as far as they are not known to be too few."""
    private = None
    if params.seed.source == "demo":
        public_reports = params.seed.demo.public
        private = params.seed.demo.private_train
    enough = max(params.classify.sizes)
    return sum(1 for one in (public_reports, private) if one is None or one >= enough)


def _weights(params: Params, how: FineTuning) -> float:
    """Weights of a coder that a token passes through; 0 where nothing tells them."""
    name, size = models.coder(params, how)
    if size is None:
        return models.size_of(name)[1]
    return size.active + head_weights(how, size.hidden, max(params.classify.top_k))
