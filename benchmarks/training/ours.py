"""Our SFT and DPO as contenders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine
from benchmarks.training.meter import Meter, watching
from benchmarks.training.scale import Scale, parameters

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.models import Policy


def sft(
    policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path, batching: str
) -> float:
    """SFT without padding, or packed."""
    from synthfr.training import sft
    from synthfr.training.sft import Sft

    teacher = {"path": "none", "columns": {}, "list_separator": ",", "share": 0.0}
    own: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-5, "teacher": teacher}
    if batching == "packed":  # rows are longer, so fewer make a step of as many tokens
        share = 1.2 * scale.median_tokens / scale.max_length
        own["batch_size"] = own["device_batch_size"] = max(1, round(scale.batch_size * share))
    params = Sft.model_validate(parameters(scale, batching) | own)
    meter.lays_end_to_end = True
    with watching(meter):
        sft.train(rows, policy, params, 0, scratch)
    return 0.0


def dpo(policy: Policy, rows: pd.DataFrame, scale: Scale, meter: Meter, scratch: Path) -> float:
    """DPO without padding; returns the seconds that the reference took beforehand."""
    from synthfr.training import dpo
    from synthfr.training.dpo import Dpo, Round
    from synthfr.training.trl_seam import dpo_trainer

    own = {
        "beta": 0.1,
        "loss_type": ["sigmoid"],
        "loss_weights": [1.0],
        "max_truncated_share": 1.0,
        "max_chosen_logp_drop": 100.0,
    }
    round_ = Round(parent="step0", prompts=1, learning_rate=5e-6, epochs=1)
    took: list[float] = []
    add_reference = dpo_trainer.add_reference

    def timed(*arguments: Any) -> None:
        begun = machine.now()
        add_reference(*arguments)
        took.append(machine.now() - begun)

    params = Dpo.model_validate(parameters(scale, "padding_free") | own)
    meter.lays_end_to_end = True
    dpo_trainer.add_reference = timed
    try:
        with watching(meter):
            dpo.train(rows, policy, params, round_, 0, scratch)
    finally:
        dpo_trainer.add_reference = add_reference
    return sum(took)
