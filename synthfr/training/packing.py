"""Several reports in one row of a training, each seen alone (`attention`): rows of like length."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def pack(examples: pd.DataFrame, capacity: int) -> pd.DataFrame:
    """`examples` (sorted, ids and labels of at most `capacity` tokens) as packs: the same columns
    and ``seq_lengths``. A pack bears the name of its longest report.
    """
    import numpy as np
    import pandas as pd

    table = examples.to_dict("records")
    lengths = [len(row["input_ids"]) for row in table]
    rows = []
    for members in best_fit(lengths, capacity):
        own = [lengths[one] for one in members]
        rows.append(
            {
                "report_id": table[members[0]]["report_id"],
                "n_tokens": sum(own),
                "input_ids": np.concatenate([table[one]["input_ids"] for one in members]),
                "labels": np.concatenate([table[one]["labels"] for one in members]),
                "seq_lengths": own,
            }
        )
    return pd.DataFrame(rows)


def best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Numbers of the items in each bin: longest items first, each into the fullest bin that still
    has room (best fit decreasing).
    """
    bins: list[list[int]] = []
    rooms: list[tuple[int, int]] = []  # what is left of a bin, its number; sorted
    for item in sorted(range(len(lengths)), key=lambda one: -lengths[one]):
        at = bisect_left(rooms, (lengths[item], -1))
        if at == len(rooms):
            room, number = capacity, len(bins)
            bins.append([])
        else:
            room, number = rooms.pop(at)
        bins[number].append(item)
        insort(rooms, (room - lengths[item], number))
    return bins
