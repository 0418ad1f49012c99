"""The publication's macro-F1 beside ours, in the cells that both have measured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from synthfr.disk import read_yaml
from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.numbers import short
from synthfr.pipeline.page.results import Estimate, Results
from synthfr.pipeline.page.text_tables import NOTHING, TextTable

FIGURES = Path(__file__).with_suffix(".yaml")
_PUBLISHED_WAY = "reports without a known code dropped, a probability above .5"
_BOTH = f"both judged the published way: {_PUBLISHED_WAY}"
_THEIRS_ALONE = (
    "ours judged without dropping reports and by this run's decision rule, theirs the published "
    f"way: {_PUBLISHED_WAY}"
)

Cells = Mapping[tuple[int, int], Mapping[str, float]]


@cache
def cells() -> Cells:
    """The published figures: (reports, top k) -> step -> macro-F1."""
    return {
        (size, top_k): steps
        for size, below in read_yaml(FIGURES).items()
        for top_k, steps in below.items()
    }


def beside_ours(results: Results) -> TextTable | None:
    """For each step ours and theirs; None where no cell and step of ours is one of theirs.

    Theirs come from another hospital's reports and have no intervals: a reader may compare how the
    figures change from step to step, not how high they are.
    """
    judged, ours = _measured(results)
    if not ours:
        return None
    steps = [*next(iter(ours.values()))]
    head = ["reports", "top k"]
    for step in steps:
        head += [baselines.title(step), f"{baselines.title(step)}, theirs"]
    rows = []
    for (size, top_k), row in ours.items():
        line = [str(size), str(top_k)]
        for step, own in row.items():
            theirs = cells()[size, top_k].get(step)
            line += [NOTHING if own is None else str(own)]
            line += [NOTHING if theirs is None else short(theirs, 4)]
        rows.append(line)
    return TextTable(
        f"macro-F1 of this run beside the publication's ({judged}; theirs on another "
        "hospital's reports, without intervals)",
        head,
        rows,
    )


def _measured(results: Results) -> tuple[str, dict[tuple[int, int], dict[str, Estimate | None]]]:
    """Our figures in their cells and steps, judged as theirs where they were; with how each was."""
    steps = [step for step in results.steps if any(step in one for one in cells().values())]
    ways = {} if results.original is None else {_BOTH: f"{results.original}/macro_f1"}
    for judged, metric in (ways | {_THEIRS_ALONE: "macro_f1"}).items():
        rows = {
            cell: {step: results.estimate(step, *cell, metric) for step in steps}
            for cell in cells()
        }
        if found := {cell: row for cell, row in rows.items() if any(row.values())}:
            return judged, found
    return _THEIRS_ALONE, {}
