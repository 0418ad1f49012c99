"""What a step is compared with: the same coder, trained on real reports instead of synthetic ones.

A hospital without this project has its public seed; one that shared everything would have its
private training reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.coding.grid import Cell, evaluate_grid

if TYPE_CHECKING:
    import pandas as pd

    from synthfr.params import Classify


def evaluate_real(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> list[Cell]:
    """The cells of `evaluate_grid` for real training reports, which are as many as they are.

    Reports without codes cannot teach a coder and are left out. A size above what there is stands
    for all there is (the cells say how many: ``trained_reports``). A corpus without any coded
    report has no cells.
    """
    coded = training[[len(codes) > 0 for codes in training["codes"]]]
    if coded.empty:
        return []
    reached = {size: min(size, len(coded)) for size in params.sizes}
    cells = evaluate_grid(
        coded,
        holdout,
        params.model_copy(update={"sizes": sorted(set(reached.values()))}),
        label_space,
        random_seed,
        scratch,
    )
    return [
        {**cell, "size": size}
        for size, actual in reached.items()
        for cell in cells
        if cell["size"] == actual
    ]
