"""The page's table on private reports with others added: what a step's reports add, and what as
many public ones would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

from synthfr.pipeline.page import baselines
from synthfr.pipeline.page.measured import Measured
from synthfr.pipeline.page.results import REFERENCES
from synthfr.pipeline.page.text_tables import NOTHING
from synthfr.pipeline.page.values import Table, at, below, figure, filled, with_limits
from synthfr.stats import holm

Tree = Mapping[str, Any]
Cell = tuple[float, int]  # share that was added, private reports

CAPTION = (
    "Private reports with others added, those of a step or of the public seed, macro-F1 (largest "
    "top k), mean ± half the interval over the coder's seeds. A share is of all that a coder is "
    "fitted on; private reports that tune its threshold are not. Differences: the same private "
    "reports with either, paired bootstrap of the holdout and the coder's seeds [95 %], * where p "
    "is below .05, corrected over macro-F1 and mAP of all steps (Holm)"
)
_SHARE, _PUBLIC_SHARE = "synthetic_share=", "public_share="


def table(measured: Measured, steps: Sequence[str], difference: Callable[[Tree], str]) -> Table:
    """Rows: what is mixed; columns: steps, and the public seed in their place. `difference`: how
    the page tells a difference that was tested.
    """
    trees = {step: measured.of("augment", step) for step in steps}
    public = below(measured.of("reference"), "mixed_public") or {}
    mixed = {step: _cells(tree.get("mixed", {}), _SHARE) for step, tree in trees.items()}
    of_public = _cells(public, _PUBLIC_SHARE)
    rows = []
    for share, size in sorted({cell for found in (*mixed.values(), of_public) for cell in found}):
        cells = [found.get((share, size), {}) for found in (*mixed.values(), of_public)]
        name = f"{size} private, {_percent(share)} added"
        rows.append(
            (f"{name}{_fitted(share, cells)}", [with_limits(one, "macro_f1", 3) for one in cells])
        )
    minus = _corrected(
        {step: _cells(tree.get("minus_public", {}), _SHARE) for step, tree in trees.items()}
    )
    for share, size in sorted({cell for found in minus.values() for cell in found}):
        name = f"the same, {_percent(share)}: this step's minus public reports"
        told = [
            difference(found.get((share, size), {}).get("macro_f1", {})) for found in minus.values()
        ]
        rows.append((name, [*told, NOTHING]))
    relabelled = [tree.get("relabelled", {}) for tree in trees.values()]
    alone = [with_limits(_largest(_largest(tree, "size="), "top_k="), "macro_f1", 3)
             for tree in relabelled]  # fmt: skip
    stay = [figure(at(tree, "kept_labels"), 2) for tree in relabelled]
    rows += [
        ("synthetic alone, labelled anew by a real coder", [*alone, NOTHING]),
        ("the same: labels that stay (Jaccard)", [*stay, NOTHING]),
    ]
    columns = [*map(baselines.title, trees), f"{REFERENCES['public_seed']} instead"]
    return Table(columns, filled(rows))


def _corrected(tested: Mapping[str, Mapping[Cell, Tree]]) -> dict[str, dict[Cell, Tree]]:
    """The same differences by step, cell and metric, their p values corrected together: each step
    was tested alone, and its stage knows of no other.
    """
    p_values = {
        (step, cell, metric): found
        for step, cells in tested.items()
        for cell, metrics in cells.items()
        for metric, one in metrics.items()
        if (found := at(one, "p_value")) is not None and not isnan(found)
    }
    adjusted = dict(zip(p_values, holm([*p_values.values()]), strict=True))
    return {
        step: {
            cell: {
                metric: {**one, "adjusted_p": adjusted.get((step, cell, metric))}
                for metric, one in metrics.items()
            }
            for cell, metrics in cells.items()
        }
        for step, cells in tested.items()
    }


def _cells(by_share: Tree, prefix: str) -> dict[Cell, Tree]:
    """The largest top k of each share and size."""
    return {
        (float(share.removeprefix(prefix)), int(size.removeprefix("size="))): _largest(
            cells, "top_k="
        )
        for share, sizes in by_share.items()
        for size, cells in sizes.items()
    }


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _fitted(share: float, cells: Sequence[Tree]) -> str:
    """How many reports of both sorts a coder is fitted on, where that was measured; equally many
    for all of a row.
    """
    all_of_them = next(
        (found for one in cells if (found := at(one, "trained_reports/mean")) is not None), None
    )
    if all_of_them is None:
        return ""
    added = round(share * all_of_them)
    return f" (fitted on {round(all_of_them) - added} + {added})"


def _largest(tree: Any, prefix: str) -> Tree:
    found = {
        int(name.removeprefix(prefix)): inner
        for name, inner in (tree.items() if isinstance(tree, Mapping) else ())
        if name.startswith(prefix)
    }
    return found[max(found)] if found else {}
