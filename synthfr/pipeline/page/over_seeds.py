"""The loop repeated with several seeds: one figure a seed, and how sure their mean is.

A seed goes through everything: corpus, SFT, candidates, DPO, synthesis, coder. What is compared
within a seed (a step with a baseline, a control, a reference) is compared pairwise, over the seeds
that have all figures of the comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.record import Record, Series
from synthfr.pipeline.page.results import CHOSEN_RULE
from synthfr.stats import CONFIDENCE, FEWEST, Interval, mean_interval, without_limits


@dataclass(frozen=True)
class Comparison:
    """One size and top k over all seeds; `steps` first to last; `cell`: what was measured."""

    size: int
    top_k: int
    steps: tuple[str, ...]
    cell: Mapping[str, Series]

    def mean(self, name: str) -> Interval | None:
        """Of a step, control or reference; None if no seed has it."""
        return seed_by_seed(lambda value: value, *self._of(name))

    def minus(self, after: str, before: str) -> Interval | None:
        """Paired difference of two of them."""
        return seed_by_seed(lambda a, b: a - b, *self._of(after, before))

    @property
    def gain(self) -> Interval | None:
        """Relative gain of the last step over the best baseline, chosen seed by seed."""
        return self.gain_over(*baselines.baseline_steps(self.steps))

    def gain_over(self, *before: str) -> Interval | None:
        """Relative gain of the last step over the best of these in each seed."""
        return seed_by_seed(_gain, *self._of(self.steps[-1], *before))

    def gain_of(self, name: str) -> Interval | None:
        """Relative gain of any step, control or reference over the best baseline in each seed; None
        of a baseline itself.
        """
        before = baselines.baseline_steps(self.steps)
        return None if name in before else seed_by_seed(_gain, *self._of(name, *before))

    @property
    def gap_closed(self) -> Interval | None:
        """Share of the way from the best baseline to the coder trained on private reports, as a
        ratio of means over seeds; None where that way is not clearly longer than nothing.
        """
        names = (self.steps[-1], "private_train", *baselines.baseline_steps(self.steps))
        found = complete(*self._of(*names))
        went = [last - max(before) for last, _, *before in found]
        gap = [goal - max(before) for _, goal, *before in found]
        return ratio_of_means(went, gap) if found else None

    @property
    def better_baselines(self) -> dict[str, int]:
        """In how many of the gain's seeds each baseline was the better one."""
        names = baselines.baseline_steps(self.steps)
        counts = Counter(
            max(zip(values[1:], names, strict=True), key=lambda one: one[0])[1]
            for values in complete(*self._of(self.steps[-1], *names))
        )
        return {name: counts[name] for name in names}

    def _of(self, *names: str) -> list[Series]:
        """Their figures; nothing measured: as many nulls as there are seeds."""
        n = max((len(values) for values in self.cell.values()), default=0)
        return [self.cell.get(name, (None,) * n) for name in names]


def complete(*series: Series) -> list[tuple[float, ...]]:
    """The values of each seed that has them all."""
    seeds = [[value for value in one if value is not None] for one in zip(*series, strict=True)]
    return [tuple(one) for one in seeds if len(one) == len(series)]


def seed_by_seed(compute: Callable[..., float | None], *series: Series) -> Interval | None:
    """Mean and interval of what `compute` makes of each seed's values.

    None if no seed has them all, or if one has no result: a mean of only those that have one would
    be chosen by the outcome.
    """
    found = [compute(*values) for values in complete(*series)]
    defined = [value for value in found if value is not None]
    return mean_interval(defined) if defined and len(defined) == len(found) else None


def ratio_of_means(
    above: Sequence[float], below: Sequence[float], confidence: float = CONFIDENCE
) -> Interval | None:
    """Mean of `above` over mean of `below`, paired by seed, with Fieller's limits (Fieller 1954).

    A mean of ratios would hang on the seed with the smallest denominator. None if the denominator
    is not positive, or its interval holds zero: the limits are infinite then.
    """
    import numpy as np
    from scipy.special import stdtrit

    x, y, n = float(np.mean(above)), float(np.mean(below)), len(above)
    if y <= 0:
        return None
    if n < FEWEST:
        shares = [a / b for a, b in zip(above, below, strict=True) if b > 0]
        return without_limits(x / y, shares) if len(shares) == n else None
    (xx, xy), (_, yy) = np.cov(above, below) * stdtrit(n - 1, (1 + confidence) / 2) ** 2 / n
    a, b, c = y * y - yy, x * y - xy, x * x - xx  # limits: a r² - 2 b r + c = 0
    if a <= 0:
        return None
    half = float(np.sqrt(max(b * b - a * c, 0.0)))
    return Interval(x / y, float(b - half) / a, float(b + half) / a, n)


def comparisons(record: Record, metric: str) -> list[Comparison]:
    """A table's cells by size and top k; those in which no step was measured are left out."""
    return _comparisons(record, record.metrics.get(metric, {}))


def largest(record: Record, metric: str = "macro_f1") -> Comparison | None:
    """The headline's cell: the most reports and labels for which the last step was measured."""
    rows = [row for row in comparisons(record, metric) if row.mean(record.steps[-1]) is not None]
    return rows[-1] if rows else None


def gains_by_rule(record: Record, size: int, top_k: int) -> dict[str, Interval]:
    """Gain in macro-F1 under each decision rule for which it is known; the chosen one first."""
    found = {CHOSEN_RULE: record.metrics.get("macro_f1", {})} | dict(record.rules)
    gains = {
        rule: row.gain
        for rule, cells in found.items()
        for row in _comparisons(record, cells)
        if (row.size, row.top_k) == (size, top_k)
    }
    return {rule: gain for rule, gain in gains.items() if gain is not None}


def _comparisons(record: Record, cells: Mapping[tuple[int, int], Any]) -> list[Comparison]:
    rows = [
        Comparison(size, top_k, record.steps, cell) for (size, top_k), cell in sorted(cells.items())
    ]
    return [row for row in rows if any(row.mean(step) is not None for step in row.steps)]


def _gain(last: float, *before: float) -> float | None:
    best = max(before)
    return last / best - 1 if best > 0 else None
