"""What several releases guarantee together, from what the metrics of each claim."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.dp import accounting


@dataclass(frozen=True)
class Together:
    """The releases are `mu`-GDP and (`epsilon`, `delta`)-DP together. `spent`: epsilon of all
    answers in the ledger, up to the last of these.
    """

    mu: float
    epsilon: float
    delta: float
    spent: float


def together(claims: Sequence[Mapping[str, Any] | None]) -> Together | None:
    """Of the claim that each release has (`dp` of its metrics; None: it has none). None: nothing is
    guaranteed, since there is no release, one claims nothing, or they speak of other neighbours.
    """
    told = [one for one in claims if one]
    if not told or len(told) < len(claims) or len({tuple(one["neighbours"]) for one in told}) > 1:
        return None
    mu = accounting.composed([one["mu"]["round"] for one in told])
    delta = max(one["delta"] for one in told)
    epsilon = accounting.epsilon(mu, delta, sum(one["distance"] for one in told))
    if math.isinf(epsilon):
        return None
    last = max(told, key=lambda one: int(one["ledger_entry"]))
    return Together(mu, epsilon, delta, last["epsilon"]["spent"])
