"""What a step is compared with: the same coder, trained on real reports instead of synthetic ones.

A hospital without this project has its public seed; one that shared everything would have its
private training reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.coding.grid import check_labels, evaluate_grid
from synthfr.coding.judged import Keep
from synthfr.coding.summary import Cell

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
    keep: Keep | None = None,
    min_documents: int = 1,
    private_training: bool = False,
) -> list[Cell]:
    """The cells of `evaluate_grid` for real training reports, which are as many as they are.

    Reports without codes cannot teach a coder and are left out. A size above what there is then has
    no cells: all that is compared at a size was trained on equally many reports.
    """
    coded, reached = _coded(training, params)
    if reached is None:
        return []
    rest = (label_space, random_seed, scratch, keep, min_documents, private_training)
    return evaluate_grid(coded, holdout, reached, *rest)


def check_real(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: Classify,
    label_space: Sequence[str],
    random_seed: int,
) -> list[int]:
    """The UserErrors of `evaluate_real` that codes tell beforehand; returns the sizes reached."""
    coded, reached = _coded(training, params)
    if reached is None:
        return []
    check_labels(coded, holdout, reached, label_space, random_seed)
    return reached.sizes


def _coded(training: pd.DataFrame, params: Classify) -> tuple[pd.DataFrame, Classify | None]:
    """The reports with codes, and the parameters with the sizes that they reach (None: none)."""
    coded = training[[len(codes) > 0 for codes in training["codes"]]]
    sizes = [size for size in params.sizes if size <= len(coded)]
    return coded, params.model_copy(update={"sizes": sizes}) if sizes else None
