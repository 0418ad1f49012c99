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

    from synthfr.coding.grid import Classify


def evaluate_real(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> list[Cell]:
    """The cells of `evaluate_grid` for real training reports, which are as many as they are.

    Reports without codes cannot teach a coder and are left out. A size above what there is then has
    no cells: all that is compared at a size was trained on equally many reports.
    """
    coded = training[[len(codes) > 0 for codes in training["codes"]]]
    reached = [size for size in params.sizes if size <= len(coded)]
    if not reached:
        return []
    return evaluate_grid(
        coded,
        holdout,
        params.model_copy(update={"sizes": reached}),
        label_space,
        random_seed,
        scratch,
    )
