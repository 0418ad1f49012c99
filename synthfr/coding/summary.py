"""What the cells of the grid say together: figures of each size and top k, over seeds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from synthfr.coding import decisions
from synthfr.coding.metrics.decided import NAMES
from synthfr.stats import mean_interval

Cell = dict[str, Any]  # one result: size, top_k, seed, evaluation and rule, then metrics
UNBIASED, ORIGINAL = "unbiased", "original"
_IDENTITY = ("size", "top_k", "seed", "evaluation", "rule")
_BESIDE = ("macro_f1", "micro_f1")  # what is told of the rules that do not count
_BY_SEED = ("macro_f1", "map")  # told for each seed, so that steps can be compared seed by seed


def counting(cells: Iterable[Cell], rule: str) -> list[tuple[Cell, Cell]]:
    """The cells that count, those of the unbiased evaluation by `rule` and those of the original's
    by its own: what identifies each (size, top k, seed, evaluation, rule), and its metrics, without
    those that may not be told (None).
    """
    counts = {UNBIASED: rule, ORIGINAL: decisions.ORIGINAL_RULE}
    return [
        (
            {name: cell[name] for name in _IDENTITY},
            {
                name: value
                for name, value in cell.items()
                if name not in _IDENTITY and value is not None
            },
        )
        for cell in cells
        if cell["rule"] == counts[cell["evaluation"]]
    ]


def summarise(cells: Iterable[Cell], rule: str) -> dict[str, Any]:
    """Mean and 95 % interval over seeds, as a nested dict of numbers.

    ``size=1000/top_k=20/macro_f1/{mean,low,high,seed=0,...}``: the unbiased evaluation under
    `rule`, which counts; beside it ``.../original/<metric>/...`` (the original's evaluation, same
    rule) and ``.../rules/<other rule>/<metric>/...``. The original's own rule, a probability above
    one half, is told of its evaluation whatever `rule` is, with every metric of decisions: as
    ``.../original/rules/fixed_threshold/<metric>/...`` where that is another. A figure that may not
    be told of one seed (None) is left out.
    """
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        key = (cell["size"], cell["top_k"], cell["evaluation"], cell["rule"])
        groups.setdefault(key, []).append(cell)
    summary: dict[str, Any] = {}
    for (size, top_k, evaluation, used), group in sorted(groups.items()):
        place = summary.setdefault(f"size={size}", {}).setdefault(f"top_k={top_k}", {})
        names: Sequence[str] = [name for name in group[0] if name not in _IDENTITY]
        if evaluation == ORIGINAL:
            if used not in (rule, decisions.ORIGINAL_RULE):
                continue
            place = place.setdefault("original", {})
        if used != rule:
            place = place.setdefault("rules", {}).setdefault(used, {})
            names = NAMES if evaluation == ORIGINAL else _BESIDE
        for name in names:
            if any(cell[name] is None for cell in group):
                continue
            place[name] = mean_interval([cell[name] for cell in group]).as_dict()
        if used == rule and evaluation == UNBIASED:
            for name, cell in itertools.product(_BY_SEED, group):
                place[name][f"seed={cell['seed']}"] = cell[name]
    return summary
