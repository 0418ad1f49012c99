"""In which order rows are trained on: batches of like length, another order each epoch.

The trainers' own samplers draw from global random state at the start of an epoch, which a resumed
run cannot restore in the middle of one. This one depends on the seed, the epoch and the rows' ids.
transformers' ``group_by_length`` pads less (1.5 % against 3 %, 40 % in random order, of 5 000
reports in batches of 16), but a run killed in mid-epoch ends with other losses, and steps of like
length follow each other (correlation 0.8 against 0).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from synthfr import seeding

BATCHES_PER_POOL = 20  # sorted by length inside such pools: little padding, orders still vary


class LengthGroupedOrder:
    """Sampler of row numbers: random order, length-sorted in pools, batches shuffled again.

    `ids` name the rows, `lengths` are in tokens. The batch with the longest row comes first, so
    that memory runs out at once or never; the one incomplete batch comes last.
    """

    def __init__(
        self, ids: Sequence[str], lengths: Sequence[int], batch_size: int, seed: int
    ) -> None:
        self._ids, self._lengths = list(ids), list(lengths)
        self._batch_size, self._seed, self._epoch = batch_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch, in a resumed run too."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[int]:
        rows = sorted(range(len(self._ids)), key=lambda row: self._draw("row", self._ids[row]))
        size, pool = self._batch_size, self._batch_size * BATCHES_PER_POOL
        n_whole = len(rows) // size * size
        whole, rest = rows[:n_whole], rows[n_whole:]
        batches = []
        for start in range(0, n_whole, pool):
            members = sorted(whole[start : start + pool], key=lambda row: -self._lengths[row])
            batches += [members[first : first + size] for first in range(0, len(members), size)]
        batches.sort(key=lambda batch: self._draw("batch", self._ids[batch[0]]))
        if batches:
            longest = max(range(len(batches)), key=lambda number: self._lengths[batches[number][0]])
            batches.insert(0, batches.pop(longest))
        return iter([row for batch in [*batches, rest] for row in batch])

    def _draw(self, what: str, row_id: str) -> tuple[int, str]:
        return seeding.derive(self._seed, "order", self._epoch, what, row_id), row_id
