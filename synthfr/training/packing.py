"""Several reports in one row of a training, each seen alone (`trl_seam.attention`).

The bins are TRL's (best fit decreasing). Measured on 5 000 reports of some 600 tokens in rows of
3 400: as few rows as an own packer made, 0.6 % padding; in TRL's default batches of 1 000 reports
7.5 %, so all are packed at once.
"""

from __future__ import annotations

from typing import Any


def pack(examples: Any, capacity: int) -> Any:
    """A data set of `examples` (ids and labels of at most `capacity` tokens, in a stable order) as
    packs: the same columns and ``seq_lengths``, the tokens of each report. Packs are numbered in
    place of report ids.
    """
    from trl import pack_dataset

    packs = pack_dataset(
        examples.select_columns(["input_ids", "labels"]),
        capacity,
        strategy="bfd",
        map_kwargs={"batch_size": None},
    )
    n_tokens = [sum(lengths) for lengths in packs["seq_lengths"]]
    names = [f"pack{number:06d}" for number in range(len(packs))]
    return packs.add_column("report_id", names).add_column("n_tokens", n_tokens)
