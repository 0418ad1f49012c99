"""One contender's figures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, random_models
from benchmarks.training import ours, peers
from benchmarks.training.meter import Meter, lora_work
from benchmarks.training.scale import Scale, reports

CONTENDERS: dict[str, Callable[..., float]] = {
    "ours": partial(ours.sft, batching="padding_free"),
    "ours packed": partial(ours.sft, batching="packed"),
    "TRL": peers.trl_sft,
    "512 chunks": peers.chunks,
    "DPO ours": ours.dpo,
    "DPO TRL": peers.trl_dpo,
}


def measure(contender: str, scale: Scale, n_rows: int) -> dict[str, Any]:
    """One contender's figures, in this process."""
    import torch

    from synthfr.training import common

    torch.set_num_threads(1)
    common.quiet_libraries()
    policy = random_models.policy(scale.architecture)
    n_weights = sum(one.numel() for one in policy.model.parameters())
    meter = Meter(lora_work(policy.model.config, n_weights))
    with tempfile.TemporaryDirectory() as scratch:
        reference_s = CONTENDERS[contender](
            policy, reports(scale, n_rows), scale, meter, Path(scratch)
        )
    return {
        "device": machine.name(),
        "tokens": meter.tokens,
        "steps": meter.steps,
        "seconds": meter.seconds,
        "tokens_per_s": meter.tokens_per_s,
        "padding": meter.padding,
        "mfu": meter.mfu(machine.peak_flops()),
        "peak_gib": machine.peak_gib(),
        "reference_s": reference_s,
    }
