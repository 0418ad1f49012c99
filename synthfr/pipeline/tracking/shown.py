"""A run as MLflow shows it, and whether it shows what it should."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """An active run; `metrics` has the latest value of each."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def holds(has: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    """Whether every wanted figure is there and, as far as a metrics file tells it, the same."""
    return all(name in has and same(has[name], value) for name, value in wanted.items())


def same(one: float, other: float) -> bool:
    """Whether MLflow's value is a file's, which is rounded to 10 digits."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return math.isclose(one, storable(other), rel_tol=1e-6, abs_tol=1e-9)


def storable(number: float) -> float:
    """As MLflow stores it: infinities are the largest floats."""
    return math.copysign(sys.float_info.max, number) if math.isinf(number) else number
