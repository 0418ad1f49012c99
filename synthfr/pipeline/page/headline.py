"""A few figures a step, for tools that show them side by side: ``dvc metrics diff``, ``dvc exp
show``, ``dvc plots``. Everything else that was measured stands in the stages' own files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthfr.pipeline.page import overlaps
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import METRICS, Results, load

# of what is audited beside utility: name here -> stage, and where it stands in the stage's file
_AUDITS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "wrong_codes": ("fidelity", ("faithfulness", "wrong_codes")),
    "shares_with_train": ("privacy", overlaps.MEASURES["shares_with_train"]),
}
GAIN = "gain_"  # over the best baseline
Row = dict[str, Any]


def figures(measured: Measured, steps: Sequence[str]) -> dict[str, dict[str, float]]:
    """Step -> figure -> value: coders' metrics at the largest size and top k, what they gain over
    the best baseline (``gain_macro_f1``: 0.5 is +50 %), and audits; what was not measured is left
    out.
    """
    results = load(measured, steps)
    return {step: _of_step(measured, results, step) for step in steps}


def rows(measured: Measured, steps: Sequence[str]) -> list[Row]:
    """Macro-F1 and mAP by step, with 95 % limits over the coder's seeds, for a plot."""
    results = load(measured, steps)
    found: list[Row] = []
    for step in steps:
        row: Row = {"step": step}
        for metric, estimate in _estimates(results, step).items():
            row |= {metric: estimate.mean, f"{metric}_low": estimate.low}
            row[f"{metric}_high"] = estimate.high
        if len(row) > 1:
            found.append(row)
    return found


def _of_step(measured: Measured, results: Results, step: str) -> dict[str, float]:
    found = {name: estimate.mean for name, estimate in _estimates(results, step).items()}
    if (cell := results.largest) is not None:
        gains = {metric: results.row(*cell, metric).gain_of(step) for metric in METRICS}
        found |= {f"{GAIN}{name}": gain for name, gain in gains.items() if gain is not None}
    for name, (stage, where) in _AUDITS.items():
        value: Any = measured.of(stage, step)
        for key in where:
            value = value.get(key, {})
        if isinstance(value, int | float):
            found[name] = value
    return found


def _estimates(results: Results, step: str) -> dict[str, Any]:
    cell = results.largest
    if cell is None:
        return {}
    found = {metric: results.estimate(step, *cell, metric) for metric in METRICS}
    return {metric: estimate for metric, estimate in found.items() if estimate is not None}
