"""The page's table on noise: of which kind, and how much of it, makes a coder trained on private
reports err most like a step's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.results import Estimate
from synthfr.pipeline.page.spread import bracketed
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, at, below, figure, filled

CAPTION = (
    "Noise in private reports whose coder errs most like the step's. Spread: a share of the words "
    "of every report is replaced; concentrated: nine words of ten in a share of the reports. "
    "Resamples of the holdout and the coder's seeds say how sure the kind is; the limits of the "
    "share [95 %] are those of the resamples that name this kind, or no noise"
)
_OF_WORDS, _OF_REPORTS = "of the words", "of the reports"
_UNITS = {"spread": _OF_WORDS, "concentrated": _OF_REPORTS}  # of a kind's share


def table(measured: Measured, steps: Sequence[str]) -> Table:
    """Columns: steps."""
    trees = {step: measured.of("errors", step) for step in steps}
    # then a share of all words is meant, however they are spread
    units = dict.fromkeys(_UNITS, _OF_WORDS) if measured.of("noise").get("equal_budget") else _UNITS
    rows = [
        ("its kind", [_kind(tree) or NOTHING for tree in trees.values()]),
        ("resamples that name this kind", [_named(tree) for tree in trees.values()]),
        ("its share", [_share(tree, units) for tree in trees.values()]),
        ("how far its coder is from the step's", [_distance(tree) for tree in trees.values()]),
        (
            "how far coders of that noise are from each other",
            [figure(at(tree, "noise/own"), 3) for tree in trees.values()],
        ),
    ]
    return Table([*map(baselines.title, trees)], filled(rows))


def _kind(tree: Mapping[str, Any]) -> str | None:
    return next(iter(below(tree, "noise/nearest") or {}), None)


def _named(tree: Mapping[str, Any]) -> str:
    share = at(tree, f"noise/kind/{_kind(tree)}")
    return NOTHING if share is None else f"{share:.0%}".replace("%", " %")


def _share(tree: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """With its limits and its unit; at least so much where it is the largest that was tried."""
    kind = _kind(tree)
    estimate = Estimate.read(below(tree, f"noise/nearest/{kind}"))
    if kind is None or kind not in units or estimate is None:
        return NOTHING
    tried = [float(name.removeprefix("share=")) for name in below(tree, f"noise/distance/{kind}")]
    least = "at least " if estimate.mean >= max(tried) else ""
    return f"{least}{bracketed(estimate, lambda one: short(one, 1))} {units[kind]}"


def _distance(tree: Mapping[str, Any]) -> str:
    distances = below(tree, "noise/distance")
    found = [
        total
        for by_share in (distances or {}).values()
        for one in (by_share, *(by_share.values() if isinstance(by_share, Mapping) else ()))
        if (total := at(one, "total")) is not None
    ]
    return figure(min(found, default=None), 3)
