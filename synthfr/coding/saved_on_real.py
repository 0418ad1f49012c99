"""What a coder that is kept is compared with: its like, trained on real reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthfr.coding import saved
from synthfr.coding.judged import Judged
from synthfr.coding.summary import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from synthfr.coding.grid import Classify


def train_and_judge(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    params: saved.TrainCoder,
    classify: Classify,
    label_space: Sequence[str],
    random_seed: int,
    scratch: Path,
) -> tuple[list[Cell], list[Judged]]:
    """As `saved.train` and `saved.judge` on a step's reports; the coder itself stays in `scratch`,
    for it may have learnt from private reports.

    Reports without codes are left out. Nothing is trained on fewer reports than a step's coder has:
    it would not be compared with.
    """
    coded = training[[len(codes) > 0 for codes in training["codes"]]]
    if len(coded) < max(classify.sizes):
        return [], []
    folder = scratch / "saved"
    saved.train(coded, params, classify, label_space, random_seed, scratch, folder)
    return saved.judge(folder, holdout, classify)
