"""The gate in the wall: what may leave the private side after scoring, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthfr.records import SCORES

if TYPE_CHECKING:
    import pandas as pd


class NotReleasable(Exception):
    """A scores table holds something other than public ids and scores: a fault of the program,
    never of the user.
    """


def release(scores: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """`scores` unchanged, if and only if it may leave the private side.

    Its columns are those of SCORES; its ids are exactly the (prompt_id, candidate) of the public
    `candidates`, so that no id can carry text; every other column is float32, null or in [-1, 1],
    so that no number can carry more than a score. Anything else is NotReleasable (whose message
    names columns, never values).
    """
    key = list(SCORES.key)
    if list(scores.columns) != SCORES.schema.names:
        raise NotReleasable("the scores table has other columns than the SCORES schema")
    ids = list(zip(*(scores[name] for name in key), strict=True))
    if len(set(ids)) < len(ids) or set(ids) != set(
        zip(*(candidates[name] for name in key), strict=True)
    ):
        raise NotReleasable("the scores table has other ids than the candidates that were scored")
    for name in scores.columns.drop(key):
        values = scores[name]
        if values.dtype != np.float32:
            raise NotReleasable(f"score column '{name}' is {values.dtype}, not float32")
        if (values.abs() > 1).any():
            raise NotReleasable(f"score column '{name}' has values outside [-1, 1]")
    return scores
