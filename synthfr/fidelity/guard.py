"""Stops a step whose policy has collapsed: the style won, and what was asked for lost.

A reward can rise while reports leave out the facts that they were asked for, or add others. What
DPO's own diagnostics call healthy (accuracy, margins) does not show it; the data set does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthfr.errors import UserError

if TYPE_CHECKING:
    from synthfr.fidelity.compare import Comparison
    from synthfr.fidelity.settings import Fidelity


def guard(
    step: str, comparison: Comparison, faithfulness: Mapping[str, float], params: Fidelity
) -> None:
    """Pass a step's data set, or raise the UserError that says by which figure it has collapsed.

    `faithfulness` is empty where the truth behind the texts is not known; a limit of None is none.
    """
    found = {"keyword recall": comparison["keyword_recall"]["synthetic"]}
    lowest = {"keyword recall": params.min_keyword_recall}
    if faithfulness:
        found["code recall"] = faithfulness["code_recall"]
        lowest["code recall"] = params.min_code_recall
        wrong, most = faithfulness["wrong_codes"], params.max_wrong_codes
        if most is not None and wrong > most:
            raise _collapsed(step, f"{wrong:.2f} wrong codes a report", "max_wrong_codes", most)
    for name, limit in lowest.items():
        if limit is not None and found[name] < limit:
            key = f"min_{name.replace(' ', '_')}"
            raise _collapsed(step, f"a {name} of {found[name]:.2f}", key, limit)


def _collapsed(step: str, figure: str, limit: str, value: float) -> UserError:
    return UserError(
        f"The data set of {step} has collapsed: {figure} (fidelity.{limit}: {value:g}). Train that "
        "step more gently (learning_rate, epochs), use the step before it, or move the limit."
    )
