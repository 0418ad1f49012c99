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
    sizes = params.classify.sizes
    tokens = trainings * sum(size * how.epochs_of(size) for size in sizes) * each
    steps = trainings * sum(map(how.steps_of, sizes))
    _, weights = _sizes(params, how)
    hours = FULL_FLOPS * weights * tokens / (ENCODING_SHARE * PEAK_FLOPS) / 3600
    what = f"{trainings * len(sizes)} trainings of {how.model}, at most"
    yield Line("classify", what, tokens, steps, hours)


def of_kept(params: Params, public_reports: int | None) -> Iterator[Line]:
    """Of ``train_coder``, ``judge_coder`` and ``reference_coder``; none without seeds.

    `public_reports`: how many there are, None where nobody counted. Real reports are taken to be as
    long as synthetic ones; a training is taken to have all its epochs.
    """
    if not params.has("train_coder") or not (seeds := len(params.train_coder.seeds)):
        return
    how, (name, size) = params.train_coder, models.coder(params, params.train_coder)
    total, active = _sizes(params, how)
    made_of = name if how.layers is None else f"{name}, {_count(how.layers, 'layer')}"
    each = min(report_tokens(params.synthesize.max_new_tokens), how.max_length)
    known = params.seed.source == "demo"
    holdout = params.seed.demo.private_holdout if known else 1000
    n_trained, n_watched, steps = _of_one(params)

    def line(stage: str, what: str, trainings: int, judged: int, disk: float = 0.0) -> Line:
        texts = trainings * how.epochs_of(n_trained)
        trained, watched = (texts * n * each for n in (n_trained, n_watched))
        tokens = trained + watched + judged * holdout * each
        flops = active * (FULL_FLOPS * trained + FORWARD_FLOPS * watched)
        hours = flops / (ENCODING_SHARE * PEAK_FLOPS) / 3600
        core_s = 0.0
        if size is not None and models.is_base(how) and params.base.source == "tiny":
            core_s = tokens * size.layers / TINY_CODED_PER_S
        return Line(stage, what, tokens, trainings * steps, hours, disk, core_s)

    coders, sets = seeds * len(params.steps), _real_sets(params, public_reports)
    of_seeds = f"{_count(seeds, 'seed')} x"
    what = f"{of_seeds} {_count(len(params.steps), 'step')}"
    what = f"{coders} trainings of {made_of} ({what}), at most"
    yield line("train_coder", what, coders, 0, _COPIES * 4 * coders * total)
    judged = f"x {holdout:,} holdout reports, on the CPU"
    if not known:
        judged = "on the CPU, for every 1 000 holdout reports"
    yield line("judge_coder", f"{coders} coders {judged}", 0, coders)
    if sets:
        what = f"{of_seeds} {_count(sets, 'set')} of real reports"
        what = f"{seeds * sets} trainings of {made_of} ({what}), at most"
        yield line("reference_coder", what, seeds * sets, seeds * sets)


def _of_one(params: Params) -> tuple[int, int, int]:
    """Of one kept coder: reports that train it, reports that are looked at after every epoch, and
    optimiser steps.
    """
    how, size = params.train_coder, max(params.classify.sizes)
    split = split_sample(np.arange(size), np.arange(size), size, params.classify)
    return len(split.fit), len(split.validation), how.steps_of(len(split.fit))


def _real_sets(params: Params, public_reports: int | None) -> int:
    """Public seed and private train reports, as far as they are not known to be too few."""
    private = None
    if params.seed.source == "demo":
        public_reports = params.seed.demo.public
        private = params.seed.demo.private_train
    enough = max(params.classify.sizes)
    return sum(1 for one in (public_reports, private) if one is None or one >= enough)


def _sizes(params: Params, how: FineTuning) -> tuple[float, float]:
    """Weights of a coder in all, and those that a token passes through; 0 where nothing tells
    them.
    """
    name, size = models.coder(params, how)
    if size is None:
        return models.size_of(name)
    head = head_weights(how, size.hidden, max(params.classify.top_k))
    return size.parameters + head, size.active + head


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
